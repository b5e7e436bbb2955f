"""What the board runs after start-up."""

import gc

# Loading leaves garbage between what stays; collected often, it leaves the rest of the heap whole.
gc.threshold(4096)

from axnode.node import main  # noqa: E402

gc.threshold(-1)
main()

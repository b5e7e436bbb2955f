"""Prints the features of each window in a file, computed in machine code and in plain bytecode.

Arguments: the file, samples a window. A line: status, RMS, peak, crest, kurtosis, mean.
"""

import sys

from drivers import features, features_plain, features_viper


def computed(part, data, samples, step):
    features.gather = part.gather
    features.spread = part.spread
    made = features.Features(samples, -0x8000, 0x7FFF, 0, 0)
    made.begin(0)
    full = [made.add(data, 2, 2 * at, step) for at in range(0, samples, step)]
    assert full == [False] * (len(full) - 1) + [True]
    while not made.measure():
        pass
    return [made.status] + list(made.results), list(made._work)[4:]


def main(path, samples):
    assert features.gather is features_viper.gather, "the machine code is not in use"
    with open(path, "rb") as file:
        data = file.read(2 * samples)
        while data:
            fast = computed(features_viper, data, samples, 32)
            plain = computed(features_plain, data, samples, samples)
            assert fast == plain, (fast, plain)
            print(" ".join([str(value) for value in fast[0]]))
            data = file.read(2 * samples)


main(sys.argv[1], int(sys.argv[2]))

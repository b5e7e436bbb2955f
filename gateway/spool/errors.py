"""Errors of the spool.

SpoolError
├── SpoolLockedError      another process writes this folder
├── SpoolFolderError      the folder cannot be made, read or entered
├── BufferFullError       the write buffer has reached its bound: stop reading from the links
├── RecordTooLargeError   a body is above the cap of its kind
├── NewerFormatError      a segment was written by a newer axlebox
└── PositionError         a position is not of the form SEGMENT:OFFSET
"""

from gateway.errors import AxleboxError


class SpoolError(AxleboxError):
    """The durable store cannot do what was asked; the message says what to do."""


class SpoolLockedError(SpoolError):
    """Two gateways must not write one spool."""


class SpoolFolderError(SpoolError):
    """The folder of the spool cannot be used."""


class BufferFullError(SpoolError):
    """Nothing was taken: the records waiting for the disk have reached their bound."""


class RecordTooLargeError(SpoolError):
    """Nothing was taken: the body is larger than a record of its kind may be."""


class NewerFormatError(SpoolError):
    """The format of a segment is not known to this version."""


class PositionError(SpoolError):
    """A place in the spool was written wrongly."""

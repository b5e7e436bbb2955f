"""What the spool holds, as values: trends and exports.

log_decoder   records to blocks of rows, with what was known at that place of the log
selection     which nodes, channels and times are asked for
aggregate     rows to minimum, mean and maximum of each two seconds
sidecar       the file of these beside a closed segment
indexer       follows the log and writes the sidecars, at a pace
trend         the answer to "this channel, from here to there, in so many points"
export        rows as CSV or Parquet
"""

"""`make fuzz`: changed frames and payloads through all of ingest, guided by coverage."""

"""What other systems on board may hear: SenML packs (RFC 8428) on MQTT; docs/senml.md."""

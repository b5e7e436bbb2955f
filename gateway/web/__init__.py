"""The crew page: the live picture over HTTP, rendered on the locomotive."""

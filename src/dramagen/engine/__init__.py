"""HTTP, submit, watch, collect; journal and ledger. The only room that does I/O with a provider."""

"""Training of reward models: one packed forward per pair, FSDP2, resumable, exported as a Hugging Face classifier."""

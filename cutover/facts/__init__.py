"""Facts: what probes saw, frozen and typed; they judge nothing and carry their transcript."""

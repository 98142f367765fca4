"""Networks that several methods use, their tokenizers and their adapters."""

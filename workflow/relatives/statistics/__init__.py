"""Statistics of the study: bootstrap intervals."""

"""The dashboard: pages that show the whole system, kept up to date while somebody looks, and change nothing."""

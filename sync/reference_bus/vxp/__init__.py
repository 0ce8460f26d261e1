"""The bus as the national axis speaks (bus-link A.7), over the same exchange as every other dialect."""

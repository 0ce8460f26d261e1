"""The bus as a province's LGSP speaks (bus-link A.8), over the same exchange as every other dialect."""

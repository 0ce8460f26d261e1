"""The link to the provincial bus: packages, queue engine, inbox engine, and the process that runs them."""

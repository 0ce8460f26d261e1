"""The courier: packages that travel on a stick when the line is dead, and what comes back the same way."""

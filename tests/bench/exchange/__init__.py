"""The exchange over a shaped line: goodput beside curl, bytes on the wire, drain of a long queue, many offices."""

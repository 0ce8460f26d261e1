"""The national package format edXML (QCVN 102:2016/BTTTT): strict writer, tolerant reader."""

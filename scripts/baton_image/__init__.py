"""The image without a container engine: the Dockerfile's own steps, performed on a bare folder."""

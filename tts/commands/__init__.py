"""What is typed at a prompt: Hydra entry points, their help, and how mistakes are reported."""

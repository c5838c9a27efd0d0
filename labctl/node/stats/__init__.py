"""What a node and its containers use: read when somebody asks, and never otherwise."""

"""The test kit tested: the model, engine and model side by side, and that planted bugs are found."""

"""Menu and food safety: what is cooked, what is kept as a sample, who may cook, and what each day's book must hold."""

"""Who may do what where: accounts, roles, memberships, sign-in, sessions."""

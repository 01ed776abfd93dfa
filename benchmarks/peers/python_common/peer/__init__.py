"""What the Python peers share: settings, tokens, rules, statements and the server. Nothing of a GraphQL library."""

"""Who said what: signatures, the policy, statements and quorums."""

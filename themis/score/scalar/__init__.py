"""The scalar families: which weights of a published checkpoint make the head, and the formula of the reward."""

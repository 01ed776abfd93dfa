"""What ascms is made of: are the pins whole, the licences ours to use, and is anything known to be wrong with it?

Everything here works offline, on the lock files and on what is installed (docs/supply-chain.md).
"""

// LocalSpool

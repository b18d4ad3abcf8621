// A process to be killed: CheckpointCrashTests starts it, lets it save checkpoints into the folder given, and kills it.
Andrea.CrashHost.CheckpointLoop.Run(args[0]);

using Andrea.Tests.Support;

// The entry point that xunit would generate, and one more way in: a child process that computes a fingerprint.
return args is [InstructionSetRunner.ChildArgument, string typeName]
    ? InstructionSetRunner.RunChild(typeName)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);

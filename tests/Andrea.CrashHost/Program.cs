// A process to be killed, or to end badly: the crash tests start it with the folder it writes to and what it does there.
using System.Globalization;
using Andrea.CrashHost;

switch (args)
{
    case [var folder]:
        CheckpointLoop.Run(folder);
        break;
    case [var folder, "records", var lastStep]:
        RecordLoop.RunForEver(folder, long.Parse(lastStep, CultureInfo.InvariantCulture));
        break;
    case [var folder, "throw"]:
        RecordLoop.RunAndEnd(folder, throws: true);
        break;
    case [var folder, "exit"]:
        RecordLoop.RunAndEnd(folder, throws: false);
        break;
}

using System.Runtime.InteropServices;
using System.Text;
using Deepseek.Cli;
using Deepseek.Cli.Terminal.Editing;

// UTF-8 whatever the system's settings say, without the mark that some encodings begin with.
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var input = new StreamReader(StandardStreams.OpenInput(), utf8);
using var output = new StreamWriter(StandardStreams.OpenOutput(), utf8) { AutoFlush = true };
using var error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true };

using var interrupts = new Interrupts();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Raise(context, DeepseekTool.Interrupted));
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Raise(context, DeepseekTool.Terminated));

// On a thread of its own, so that nothing a verb does keeps a request to end from being heard.
var tool = Task.Run(() => DeepseekTool.RunAsync(args, new ToolConsole(input, output, error) { Interrupts = interrupts, Keys = ConsoleKeys.Open() }));
if (await interrupts.WaitAsync(tool).ConfigureAwait(false))
    return await tool.ConfigureAwait(false);

await error.WriteLineAsync("error: interrupted.").ConfigureAwait(false);
ProcessExit.AtOnce(interrupts.ExitCode);
return interrupts.ExitCode;

void Raise(PosixSignalContext context, int exitCode)
{
    context.Cancel = true;
    interrupts.Raise(exitCode);
}

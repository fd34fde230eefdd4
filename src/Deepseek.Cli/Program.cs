using System.Text;
using Deepseek.Cli;

// UTF-8 whatever the system's settings say, without the mark that some encodings begin with.
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var input = new StreamReader(Console.OpenStandardInput(), utf8);
using var output = new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true };
using var error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true };
return await DeepseekTool.RunAsync(args, new ToolConsole(input, output, error)).ConfigureAwait(false);

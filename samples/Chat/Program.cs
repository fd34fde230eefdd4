using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Sampling;
using Deepseek.Samples.Chat;

// The first argument names a model's folder; without one, the embedded deepseek-nano talks.
using var generator = await TextGenerator.LoadAsync(args.Length > 0 ? args[0] : NanoModel.Folder);
using var session = new ChatSession(generator); // keeps its cache: every question costs only its new tokens

if (!Console.IsInputRedirected)
{
    await new TerminalChat(session).RunAsync();
    return;
}

// From a pipe, every line is a question. Temperature 0: a script wants the same answer every time.
var options = new TextOptions { Generation = new GenerationOptions { Sampling = new SamplingOptions { Temperature = 0 } } };
while (await Console.In.ReadLineAsync() is { } question)
{
    if (string.IsNullOrWhiteSpace(question))
        continue;
    await foreach (var update in session.AskAsync(question, options))
        Console.Write(update.Text);
    Console.WriteLine();
}

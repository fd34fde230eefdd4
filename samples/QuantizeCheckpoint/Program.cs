using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tokenization;

// QuantizeCheckpoint [CHECKPOINT [STORE]]: makes a page store and says what it costs. Without arguments: of the embedded model, in a folder that is removed again.
var checkpoint = args.Length > 0 ? args[0] : NanoModel.Folder;
var store = args.Length > 1 ? args[1] : Directory.CreateTempSubdirectory("deepseek-store-").FullName;
using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    interrupted.Cancel();
};

try
{
    // Experts in 4 bits, the head in 8. An interrupted conversion goes on where it stopped when the program is started again.
    var options = new StoreOptions { Experts = StorePrecision.Nf4, Head = StorePrecision.Int8 };
    var plan = StoreConverter.Plan(checkpoint, options);
    Console.WriteLine($"{plan.Bytes / 1e6:0.0} MB in {plan.Files} files, {plan.ExpertBytes:N0} bytes an expert");
    IProgress<ConvertProgress>? progress = Console.IsErrorRedirected ? null : new Progress<ConvertProgress>(done => Console.Error.Write($"\r{100 * done.BytesDone / done.BytesTotal} %  "));
    await StoreConverter.ConvertAsync(checkpoint, store, options, progress, interrupted.Token);

    // Every byte has a checksum. A damaged page is written again from the checkpoint: StoreVerifier.RepairAsync.
    var verification = await StoreVerifier.VerifyAsync(store, cancellationToken: interrupted.Token);
    Console.WriteLine($"{verification.Pages} pages, {(verification.IsSound ? "all sound" : $"{verification.Damage.Count} damaged")}");

    // A store loads like a checkpoint. What the fewer bits cost, on a text:
    using var original = await LanguageModel.LoadAsync(checkpoint, cancellationToken: interrupted.Token);
    using var quantized = await LanguageModel.LoadAsync(store, cancellationToken: interrupted.Token);
    var text = TextRuns.Cut("What is 123 + 456? Once upon a time there was a king who had three daughters.", DeepseekTokenizer.Load(checkpoint));
    var comparison = ModelComparison.Measure(original, quantized, text, cancellationToken: interrupted.Token);
    Console.WriteLine($"KL divergence {comparison.Divergence:0.0000} nats, same best token before {comparison.Agreement:0 %} of {text.ScoredTokens} tokens");
    return 0;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine($"Interrupted. Start again with the same folders to go on: {store}");
    return 130;
}
catch (Exception fault) when (fault is DeepseekException or IOException)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
finally
{
    if (args.Length <= 1)
        Directory.Delete(store, recursive: true);
}

using Deepseek.Inference.Chat;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tokenization;
using Deepseek.Samples.OffloadOnOneGpu;

// OffloadOnOneGpu [STORE [VRAM [RAM [PROMPT]]]]: a model larger than memory on one graphics card, for example: OffloadOnOneGpu ./r1-store 22GiB 56GiB "Why is the sky blue?"
// Without a card it runs on the CPU; without arguments a store of the embedded model is made, in a folder that is removed again.
var store = args.Length > 0 ? args[0] : Directory.CreateTempSubdirectory("deepseek-store-").FullName;
try
{
    if (args.Length == 0)
        await StoreConverter.ConvertAsync(NanoModel.Folder, store, new StoreOptions());

    // No answer depends on the budgets, only speed. What a device does not hold waits in RAM, and what RAM does not hold on the disk.
    var options = new ModelOptions
    {
        Device = "cuda",
        Memory = MemoryBudget.Parse(ram: args.ElementAtOrDefault(2), vram: args.ElementAtOrDefault(1)) with { ContextTokens = 8192 },
    };
    using var generator = await LoadAsync(store, options);
    Report.Placement(generator.Model);

    var prompt = generator.Chat([ChatMessage.User(args.ElementAtOrDefault(3) ?? "What is 123 + 456?")]);
    var before = (generator.Model.DeviceMemory, generator.Model.Paging);
    await foreach (var update in generator.StreamAsync(prompt))
        Console.Write(update.Text);
    Console.WriteLine();
    Report.Traffic(generator.Model, before.DeviceMemory, before.Paging);
    return 0;
}
catch (Exception fault) when (fault is DeepseekException or FormatException or IOException)
{
    Console.Error.WriteLine(fault.Message); // a budget that is too small says which would do
    return 1;
}
finally
{
    if (args.Length == 0)
        Directory.Delete(store, recursive: true);
}

static async Task<TextGenerator> LoadAsync(string store, ModelOptions options)
{
    try
    {
        return await TextGenerator.LoadAsync(store, options);
    }
    catch (TorchNativeException fault)
    {
        Console.Error.WriteLine($"{fault.Message} Going on with the CPU.");
        return await TextGenerator.LoadAsync(store, options with { Device = "cpu" });
    }
}

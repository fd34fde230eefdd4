using System.CommandLine;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;

namespace Deepseek.Cli;

/// <summary>The options that decide how a model is computed and what memory it takes, for every verb that loads one.</summary>
internal sealed class ModelOptionSet
{
    private readonly ToolConsole _console;
    private readonly Option<int?> _threads;
    private readonly Option<string?> _activations = CommonOptions.Activations();
    private readonly Option<string?> _device = ChoiceOption.Create("--device", "What computes; cuda needs the tool built with -p:TorchBackend=cuda-linux or cuda-windows. Default: cpu.", ["cpu", "cuda"]);
    private readonly Option<long?> _ram = SizeOption.Bytes("--ram", "Memory for the whole process. What does not fit of a page store's experts is read from the disk when a token needs it. Default: what is free.");
    private readonly Option<long?> _vram = SizeOption.Bytes("--vram", "Memory of the device. Default: what it has free; of no account on a CPU.");
    private readonly Option<string?> _eviction;
    private readonly Option<string?> _prefetch = ChoiceOption.Create("--prefetch", "Whether idle disks read experts that will probably be needed. Default: off.", ["on", "off"]);

    private readonly Option<string?> _trace = CommonOptions.Path("--record-routing", "FILE", "A file to which the experts of every decoded token are recorded, for deepseek simulate.");

    private readonly Option<double?> _preference = NumberOption.Real("--cache-preference", "P", "CHANGES ANSWERS: let routers lean towards experts that are in memory, 0 to 1: fewer reads for some quality. Default: 0, exact.");

    public ModelOptionSet(Command command, ToolConsole console, string? threads = null)
    {
        _console = console;
        _threads = CommonOptions.Threads(threads);
        _eviction = EvictionOption.Create(
            $"Which expert leaves memory for another: least recently used, segmented least recently used, least frequently used, or least stale. Default: {EvictionOption.NameOf(new PagingOptions().Eviction)}.", withAll: false);
        foreach (var option in (Option[])[_device, _threads, _activations, _ram, _vram, _eviction, _prefetch, _preference, _trace])
            command.Options.Add(option);
    }

    public ModelOptions Read(ParseResult parsed)
    {
        var defaults = new ModelOptions();
        return defaults with
        {
            Device = parsed.GetValue(_device) ?? defaults.Device,
            Threads = parsed.GetValue(_threads),
            Activations = ActivationPrecisions.TryParse(parsed.GetValue(_activations), out var precision) ? precision : defaults.Activations,
            Memory = new MemoryBudget { RamBytes = parsed.GetValue(_ram), VramBytes = parsed.GetValue(_vram) },
            Paging = defaults.Paging with
            {
                Eviction = parsed.GetValue(_eviction) is { } eviction ? EvictionOption.Read(eviction)[0] : defaults.Paging.Eviction,
                Prefetch = parsed.GetValue(_prefetch) is "on",
                CachePreference = parsed.GetValue(_preference) ?? 0,
                RoutingTrace = parsed.GetValue(_trace),
            },
            Logger = new WarningLog(_console.Error),
        };
    }
}

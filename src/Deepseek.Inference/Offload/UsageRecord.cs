using Deepseek.Inference.Store;
using Microsoft.Extensions.Logging;

namespace Deepseek.Inference.Offload;

/// <summary>A store's usage, from one run to the next.</summary>
internal sealed class UsageRecord
{
    private readonly string _path;
    private readonly UInt128 _key;
    private readonly ILogger? _logger;

    private UsageRecord(string path, UInt128 key, ExpertUsage usage, ILogger? logger) => (_path, _key, Usage, _logger) = (path, key, usage, logger);

    /// <summary>What was demanded so far, in this run and in earlier ones.</summary>
    public ExpertUsage Usage { get; }

    /// <summary>Takes up what earlier runs have left; null where the user has no place for such files.</summary>
    public static UsageRecord? Open(PageStore store, ExpertPages pages, ILogger? logger)
    {
        var key = ExpertUsageFile.Key(File.ReadAllBytes(Path.Combine(store.Location, StoreFile.Manifest)));
        if (ExpertUsageFile.DefaultPath(key) is not { } path)
            return null;

        var (usage, reason) = ExpertUsageFile.Read(path, key, pages.Layers.Count, pages.PerLayer);
        if (reason is not null && logger is not null)
            PagingLog.Usage(logger, reason);
        return new UsageRecord(path, key, usage ?? new ExpertUsage(pages.Layers.Count, pages.PerLayer), logger);
    }

    /// <summary>Leaves it to later runs.</summary>
    public void Save()
    {
        if (Usage.Passes > 0 && ExpertUsageFile.Write(_path, _key, Usage) is { } reason && _logger is not null)
            PagingLog.Usage(_logger, reason);
    }
}

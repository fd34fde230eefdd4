using System.CommandLine;
using Deepseek.Inference.Offload;

namespace Deepseek.Cli;

/// <summary>Eviction policies by the names that command lines use.</summary>
internal static class EvictionOption
{
    /// <summary>Names and what they mean, in the order in which they are shown.</summary>
    public static readonly (string Name, EvictionPolicy Policy)[] Names =
    [
        ("lru", EvictionPolicy.LeastRecentlyUsed), ("slru", EvictionPolicy.SegmentedLeastRecentlyUsed), ("lfu", EvictionPolicy.LeastFrequentlyUsed), ("least-stale", EvictionPolicy.LeastStale),
    ];

    /// <summary>What stands for all of them where a verb compares.</summary>
    public const string All = "all";

    /// <summary>An option that takes one of the names, and <see cref="All"/> where it may.</summary>
    public static Option<string?> Create(string description, bool withAll) =>
        ChoiceOption.Create("--eviction", description, [.. withAll ? [All] : Array.Empty<string>(), .. Names.Select(one => one.Name)]);

    /// <summary>The policies that a name means.</summary>
    public static EvictionPolicy[] Read(string? name) => [.. Names.Where(one => name is null or All || one.Name == name).Select(one => one.Policy)];

    /// <summary>A policy's name.</summary>
    public static string NameOf(EvictionPolicy policy) => Names.Single(one => one.Policy == policy).Name;
}

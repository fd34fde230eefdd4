using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

/// <summary>What a cache tells a policy, in a word.</summary>
internal static class PolicyUse
{
    /// <summary>Experts are demanded, and come in.</summary>
    public static void Use(this IEvictionPolicy policy, params int[] experts)
    {
        foreach (var expert in experts)
        {
            policy.Demanded(expert);
            policy.Inserted(expert, cold: false);
        }
    }

    /// <summary>Experts in the order in which they would leave.</summary>
    public static int[] InOrder(this IEvictionPolicy policy, params int[] experts) => policy.InOrderFor(0, experts);

    /// <summary>Experts in the order in which they would leave for another.</summary>
    public static int[] InOrderFor(this IEvictionPolicy policy, int incoming, params int[] experts) => [.. experts.OrderBy(expert => policy.Rank(expert, incoming))];
}

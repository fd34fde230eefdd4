namespace Deepseek.Inference.Docs.Tests.Architecture;

/// <summary>Who may use whom among the parts of <c>src</c>: the design's table. A new part needs a row here.</summary>
/// <remarks>A part is a folder of <c>src/Deepseek.Inference</c>, or another project of <c>src</c>. All may use Diagnostics; the parts of one row, one another.</remarks>
internal static class PartTable
{
    // Everyone's.
    private const string Diagnostics = "Diagnostics";

    private static readonly (string[] Parts, string[] MayUse, string[] Never)[] Rows =
    [
        (["Kernels"], [], ["TorchSharp", "System.IO", "System.Net", "Microsoft"]),
        (["Nano"], [], ["TorchSharp", "System.Net", "Microsoft"]),
        ([Diagnostics], [], ["System.Net"]),
        (["Configuration", "Sampling"], ["Kernels"], ["TorchSharp", "System.Net", "Microsoft.ML"]),
        (["Checkpoints", "Tokenization"], ["Configuration"], ["System.Net"]),
        (["Caching"], ["Configuration", "Kernels"], ["System.Net"]),
        (["Quantization", "Store"], ["Kernels", "Checkpoints", "Configuration"], ["System.Net"]),
        (["Experts"], ["Quantization"], ["System.IO", "System.Net"]),
        (["Compute"], ["Kernels", "Quantization", "Caching"], ["System.IO", "System.Net"]),
        (["Layers"], ["Compute", "Experts", "Quantization", "Caching", "Configuration"], ["System.IO", "System.Net", "System.Threading"]),
        (["Offload"], ["Experts", "Store", "Quantization", "Configuration", "Kernels"], ["System.Net"]),
        (["Models"], ["Layers", "Compute", "Caching", "Experts", "Offload", "Store", "Quantization", "Checkpoints", "Configuration", "Kernels"], ["System.Net"]),
        (["Generation"], ["Models", "Sampling", "Caching"], ["System.Net"]),
        (["Planning"], ["Configuration", "Store", "Kernels"], ["TorchSharp", "System.Net"]),
        (["Evaluation"], ["Models", "Generation", "Sampling", "Caching", "Tokenization", "Planning", "Offload", "Store", "Checkpoints", "Configuration", "Kernels"], ["System.Net"]),
        (["Hub"], ["Checkpoints"], ["TorchSharp"]),
        (["Chat", "Server", "Cli"],
            ["Models", "Generation", "Sampling", "Caching", "Tokenization", "Planning", "Evaluation", "Offload", "Store", "Checkpoints", "Configuration", "Hub", "Nano"],
            ["TorchSharp"]),
    ];

    /// <summary>Uses beyond the table that the code still has, each with its reason; one that is gone must go here too.</summary>
    public static IReadOnlyList<(string Part, string Used, string Reason)> Exceptions { get; } =
    [
    ];

    /// <summary>All parts that the table knows.</summary>
    public static IReadOnlySet<string> Parts { get; } = Rows.SelectMany(row => row.Parts).ToHashSet();

    /// <summary>Whether a part may use another.</summary>
    public static bool MayUse(string part, string used) =>
        part == used || used == Diagnostics || Rows.Single(row => row.Parts.Contains(part)) is var row && (row.MayUse.Contains(used) || row.Parts.Contains(used));

    /// <summary>Whether a part must do without a namespace from outside the project.</summary>
    public static bool IsForbidden(string part, string name) =>
        Rows.Single(row => row.Parts.Contains(part)).Never.Any(never => name == never || name.StartsWith(never + ".", StringComparison.Ordinal));
}

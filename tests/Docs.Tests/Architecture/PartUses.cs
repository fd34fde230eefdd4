using System.Text.RegularExpressions;

namespace Deepseek.Inference.Docs.Tests.Architecture;

/// <summary>Reads from a source file which parts and which outside namespaces it uses.</summary>
internal static partial class PartUses
{
    /// <summary>The part that a file belongs to.</summary>
    /// <param name="file">Its path from the root, with forward slashes, as in <c>src/Deepseek.Inference/Layers/RmsNorm.cs</c>.</param>
    public static string PartOf(string file)
    {
        var folders = file.Split('/');
        return folders[1] == "Deepseek.Inference" ? folders[2] : folders[1].Split('.')[^1];
    }

    /// <summary>The other parts that a source names.</summary>
    /// <param name="source">C# source.</param>
    /// <param name="isType">Whether a part declares a type of a name; tells <c>Sampling.LogitBias</c> from a property called Sampling.</param>
    public static IEnumerable<string> Parts(string source, Func<string, string, bool> isType)
    {
        var code = WithoutText(source);
        var full = FullName().Matches(code).Select(match => match.Groups[1].Value);
        var relative = RelativeName().Matches(code)
            .Where(match => isType(match.Groups[1].Value, match.Groups[2].Value))
            .Select(match => match.Groups[1].Value);
        return full.Select(part => PartTable.Parts.Contains(part) ? part : part.Split('.')[^1]).Concat(relative).Distinct();
    }

    /// <summary>The namespaces from outside the project that a source opens or names in full.</summary>
    public static IEnumerable<string> Outside(string source)
    {
        var code = WithoutText(source);
        return OutsideName().Matches(code).Select(match => match.Groups[1].Value).Distinct();
    }

    /// <summary>Comments and strings speak of what they do not use.</summary>
    private static string WithoutText(string source) => Text().Replace(source, " ");

    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|""\".*?""\"|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", RegexOptions.Singleline)]
    private static partial Regex Text();

    [GeneratedRegex(@"\bDeepseek\.(?:Inference\.)?([A-Z]\w*)")]
    private static partial Regex FullName();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w*)\.([A-Z]\w*)")]
    private static partial Regex RelativeName();

    [GeneratedRegex(@"(?<![\w.])((?:System|Microsoft|TorchSharp)(?:\.[A-Z]\w*)*)")]
    private static partial Regex OutsideName();
}

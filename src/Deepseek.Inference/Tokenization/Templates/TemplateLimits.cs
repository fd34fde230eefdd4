namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>
/// Bounds on what a template may take: it is a program from a stranger, and runs on every request.
/// Each is far above what published templates need and far below what would hurt a small machine.
/// </summary>
internal static class TemplateLimits
{
    /// <summary>UTF-16 units of a template. DeepSeek's longest (V3.2, V4) have some 8,000.</summary>
    public const int SourceCharacters = 1 << 20;

    /// <summary>Brackets, prefix operators and blocks within one another while parsing; one level costs about 2 KB of stack.</summary>
    public const int ParseDepth = 64;

    /// <summary>Nodes and macro calls within one another while running; also bounds chains such as <c>a + b + …</c>. One level costs some 500 bytes of stack.</summary>
    public const int EvaluationDepth = 800;

    /// <summary>Lists and mappings within one another when they are written out, compared or read; JSON readers commonly stop at 64.</summary>
    public const int ValueDepth = 128;

    /// <summary>
    /// Nodes evaluated, items visited and slices of text scanned. A thousand messages under a template that is quadratic
    /// in them (V3.2's search for a tool result's call) take about 15 million; a hostile loop is stopped after a second or two.
    /// </summary>
    public const long Steps = 50_000_000;

    /// <summary>UTF-16 units of one string, the rendered prompt included: three times a context of a million tokens.</summary>
    public const int StringCharacters = 16 << 20;

    /// <summary>UTF-16 units of all strings built during one rendering, beside <see cref="BuiltPerInput"/>: bounds memory, since any of them may be kept.</summary>
    public const long BuiltCharacters = 32L << 20;

    /// <summary>How often every character of messages, tools and variables may be copied on top of <see cref="BuiltCharacters"/>; published templates copy each fewer than eight times.</summary>
    public const long BuiltPerInput = 32;

    /// <summary>Items of one list or mapping.</summary>
    public const int Items = 1_000_000;

    /// <summary>Steps that one item of a new list costs, so that <see cref="Steps"/> also bounds memory: some 40 bytes an item.</summary>
    public const int StepsPerItem = 8;

    /// <summary>Steps that a mapping, namespace or macro costs beside its items, since each takes some 300 bytes.</summary>
    public const int StepsPerMap = 64;

    /// <summary>Parameters of a macro, and arguments of a call; no template needs a tenth of it.</summary>
    public const int Arguments = 255;

    /// <summary>UTF-16 units of a path such as <c>function.name</c> given to a filter, which is taken apart for every item.</summary>
    public const int PathCharacters = 1024;

    /// <summary>Numbers of one <c>range</c>; the same bound as Jinja2's sandbox (pallets/jinja 3.1, <c>sandbox.MAX_RANGE</c>).</summary>
    public const int Range = 100_000;

    /// <summary>Bits of an integer. Python's have no bound; prompts count messages.</summary>
    public const int IntegerBits = 4096;

    /// <summary>Decimal digits of <see cref="IntegerBits"/> bits.</summary>
    public const int IntegerDigits = 1233;
}

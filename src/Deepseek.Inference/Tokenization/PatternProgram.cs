namespace Deepseek.Inference.Tokenization;

/// <summary>What an instruction of a <see cref="PatternProgram"/> does.</summary>
internal enum PatternOp
{
    /// <summary>Takes one character of the set.</summary>
    Take,

    /// <summary>Takes between Min and Max characters of the set, as many as there are, and can give back down to Min.</summary>
    TakeMany,

    /// <summary>As <see cref="TakeMany"/>, giving nothing back.</summary>
    TakeManyKept,

    /// <summary>Goes on at Target; should that fail, at Other. Where First is given and lacks the next character, at Other at once.</summary>
    Try,

    /// <summary>Goes on at Target.</summary>
    Jump,

    /// <summary>Fails unless the next character is in the set.</summary>
    Ahead,

    /// <summary>Fails if the next character is in the set.</summary>
    NotAhead,

    /// <summary>Fails unless here is the end of the text or of a line.</summary>
    LineEnd,

    /// <summary>The pattern has matched.</summary>
    Match,
}

/// <summary>One instruction.</summary>
internal struct PatternInstruction
{
    public PatternOp Op;
    public RuneSet? Set;
    public int Target;
    public int Other;
    public int Min;
    public int Max;

    /// <summary>Number of a <see cref="PatternOp.Try"/> among its kind.</summary>
    public int TryNumber;

    /// <summary>What the branch of a <see cref="PatternOp.Try"/> can begin with; null where that says nothing.</summary>
    public RuneSetUnion? First;
}

/// <summary>A pattern as instructions for a backtracking matcher.</summary>
/// <remarks>
/// There are two forms. The fast one takes whole runs at a time. The careful one takes single characters, so that every choice is a
/// <see cref="PatternOp.Try"/>, which need never be made twice at one position: its work is bounded by instructions × characters.
/// </remarks>
internal sealed class PatternProgram
{
    private const int MaxInstructions = 1024; // the longest published pattern needs under 100

    private readonly List<PatternInstruction> _instructions = [];
    private readonly bool _fast;

    private PatternProgram(bool fast) => _fast = fast;

    /// <summary>The instructions; the last is <see cref="PatternOp.Match"/>.</summary>
    public PatternInstruction[] Instructions { get; private set; } = [];

    /// <summary>How many instructions are a <see cref="PatternOp.Try"/>.</summary>
    public int TryCount { get; private set; }

    /// <summary>Compiles a parsed pattern.</summary>
    /// <exception cref="FormatException">The pattern needs too many instructions.</exception>
    public static PatternProgram Compile(PatternNode pattern, bool fast)
    {
        var program = new PatternProgram(fast);
        program.Emit(pattern);
        program.Add(new PatternInstruction { Op = PatternOp.Match });
        program.Instructions = [.. program._instructions];
        return program;
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case RuneNode rune:
                Add(new PatternInstruction { Op = PatternOp.Take, Set = rune.Set });
                break;
            case SequenceNode sequence:
                foreach (var part in sequence.Parts)
                    Emit(part);
                break;
            case AlternationNode alternation:
                EmitAlternation(alternation);
                break;
            case RepeatNode { Body: RuneNode rune, Kind: not RepeatKind.Lazy } run when _fast:
                var op = run.Kind == RepeatKind.Possessive ? PatternOp.TakeManyKept : PatternOp.TakeMany;
                Add(new PatternInstruction { Op = op, Set = rune.Set, Min = run.Min, Max = run.Max });
                break;
            case RepeatNode repeat:
                EmitRepeat(repeat);
                break;
            case AheadNode ahead:
                Add(new PatternInstruction { Op = ahead.Negated ? PatternOp.NotAhead : PatternOp.Ahead, Set = ahead.Set });
                break;
            default:
                Add(new PatternInstruction { Op = PatternOp.LineEnd });
                break;
        }
    }

    private void EmitAlternation(AlternationNode alternation)
    {
        List<int> jumps = [];
        foreach (var branch in alternation.Branches.Take(alternation.Branches.Count - 1))
        {
            var choice = AddTry(branch.MayBeEmpty ? null : new RuneSetUnion(branch));
            Emit(branch);
            jumps.Add(Add(new PatternInstruction { Op = PatternOp.Jump }));
            SetBranches(choice, choice + 1, _instructions.Count);
        }

        Emit(alternation.Branches[^1]);
        foreach (var jump in jumps)
            SetBranches(jump, _instructions.Count, 0);
    }

    private void EmitRepeat(RepeatNode repeat)
    {
        for (var i = 0; i < repeat.Min; i++)
            Emit(repeat.Body);

        List<int> choices = [];
        if (repeat.Max == int.MaxValue)
        {
            choices.Add(AddTry(null));
            Emit(repeat.Body);
            Add(new PatternInstruction { Op = PatternOp.Jump, Target = choices[0] });
        }
        else
        {
            for (var i = repeat.Min; i < repeat.Max; i++)
            {
                choices.Add(AddTry(null));
                Emit(repeat.Body);
            }
        }

        // Nothing is given back exactly when the run cannot go on; Max is 1 or unbounded where a repeat is possessive.
        // With Max = 1 only the empty run ends at this test, since the full one jumps past it.
        var exit = _instructions.Count;
        if (repeat is { Kind: RepeatKind.Possessive, Body: RuneNode rune })
        {
            if (repeat.Max != int.MaxValue)
            {
                Add(new PatternInstruction { Op = PatternOp.Jump, Target = exit + 2 });
                exit++;
            }

            Add(new PatternInstruction { Op = PatternOp.NotAhead, Set = rune.Set });
        }

        foreach (var choice in choices)
        {
            if (repeat.Kind == RepeatKind.Lazy)
                SetBranches(choice, exit, choice + 1);
            else
                SetBranches(choice, choice + 1, exit);
        }
    }

    private int AddTry(RuneSetUnion? first) => Add(new PatternInstruction { Op = PatternOp.Try, First = first, TryNumber = TryCount++ });

    private int Add(PatternInstruction instruction)
    {
        if (_instructions.Count >= MaxInstructions)
            throw new FormatException($"it needs more than {MaxInstructions} instructions; write its repeats with smaller numbers");
        _instructions.Add(instruction);
        return _instructions.Count - 1;
    }

    private void SetBranches(int at, int target, int other) =>
        _instructions[at] = _instructions[at] with { Target = target, Other = other };
}

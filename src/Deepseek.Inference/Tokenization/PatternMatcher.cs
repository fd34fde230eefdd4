using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Tokenization;

/// <summary>Matches one pattern against one text, from left to right; the working memory of a scan.</summary>
/// <remarks>
/// It begins with the fast program. Once that has done more work than a well-behaved pattern can cause, the careful program takes over,
/// whose work is bounded: whether a choice at a position leads to a match depends on neither the start of the match nor the way there,
/// so that a choice that failed once is never made again.
/// </remarks>
internal ref struct PatternMatcher
{
    private const int FastStepsPerCharacter = 64; // the published patterns need under ten
    private const int NoMatch = -1;
    private const int OverBudget = -2;

    private readonly RunePattern _pattern;
    private readonly ReadOnlySpan<char> _text;
    private List<(int Instruction, int Position, int Lowest)>? _pending;
    private long _budget;
    private ulong[]? _tried;

    /// <summary>Prepares a scan.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="text">The text, well-formed UTF-16.</param>
    /// <param name="careful">Uses the careful program from the start.</param>
    public PatternMatcher(RunePattern pattern, ReadOnlySpan<char> text, bool careful = false)
    {
        _pattern = pattern;
        _text = text;
        _budget = careful ? 0 : (long)FastStepsPerCharacter * text.Length + 1024;
    }

    /// <summary>Where the match that begins at a position ends; −1 where none begins.</summary>
    /// <param name="start">Grows from call to call, and never lies within a match that was found: choices that led to it count as made.</param>
    public int MatchAt(int start)
    {
        if (_tried is null)
        {
            var end = RunFast(start);
            if (end != OverBudget)
                return end;
            _tried = new ulong[((long)_pattern.Careful.TryCount * (_text.Length + 1L) + 63) / 64];
        }

        return RunCareful(start);
    }

    private int RunFast(int start)
    {
        var code = _pattern.Fast.Instructions;
        var (at, position) = (0, start);
        _pending?.Clear();
        while (true)
        {
            if (--_budget < 0)
                return OverBudget;
            ref readonly var instruction = ref code[at];
            var matched = true;
            switch (instruction.Op)
            {
                case PatternOp.TakeMany or PatternOp.TakeManyKept:
                    matched = TakeRun(in instruction, ref position, out var lowest);
                    if (matched && position > lowest && instruction.Op == PatternOp.TakeMany && code[at + 1].Op != PatternOp.Match)
                        Push(at + 1, position, lowest);
                    at++;
                    break;
                case PatternOp.Try:
                    if (instruction.First is null || (position < _text.Length && instruction.First.Contains(RuneAt(position, out _))))
                    {
                        Push(instruction.Other, position, position);
                        at = instruction.Target;
                    }
                    else
                    {
                        at = instruction.Other;
                    }

                    break;
                case PatternOp.Match:
                    return position;
                default:
                    matched = Step(in instruction, ref at, ref position);
                    break;
            }

            if (!matched && !Resume(code, out at, out position))
                return NoMatch;
        }
    }

    private int RunCareful(int start)
    {
        var code = _pattern.Careful.Instructions;
        var (at, position) = (0, start);
        _pending?.Clear();
        while (true)
        {
            ref readonly var instruction = ref code[at];
            bool matched;
            if (instruction.Op == PatternOp.Match)
                return position;
            if (instruction.Op == PatternOp.Try)
            {
                matched = MarkTried(instruction.TryNumber, position);
                if (matched)
                    Push(instruction.Other, position, position);
                at = instruction.Target;
            }
            else
            {
                matched = Step(in instruction, ref at, ref position);
            }

            if (!matched && !Resume(code, out at, out position))
                return NoMatch;
        }
    }

    /// <summary>The instructions that are the same in both forms.</summary>
    private readonly bool Step(in PatternInstruction instruction, ref int at, ref int position)
    {
        var next = at + 1;
        var matched = true;
        switch (instruction.Op)
        {
            case PatternOp.Take:
                matched = position < _text.Length && instruction.Set!.Contains(RuneAt(position, out var length)) && Advance(ref position, length);
                break;
            case PatternOp.Jump:
                next = instruction.Target;
                break;
            case PatternOp.Ahead:
                matched = IsNext(instruction.Set!, position);
                break;
            case PatternOp.NotAhead:
                matched = !IsNext(instruction.Set!, position);
                break;
            default: // LineEnd
                matched = position == _text.Length || _text[position] == '\n';
                break;
        }

        at = next;
        return matched;
    }

    private bool TakeRun(in PatternInstruction instruction, ref int position, out int lowest)
    {
        var count = 0;
        lowest = position;
        while (count < instruction.Max && position < _text.Length && instruction.Set!.Contains(RuneAt(position, out var length)))
        {
            position += length;
            if (++count <= instruction.Min)
                lowest = position;
        }

        _budget -= count;
        return count >= instruction.Min;
    }

    /// <summary>Takes up the latest choice that is still open; a run gives one character back.</summary>
    private readonly bool Resume(PatternInstruction[] code, out int at, out int position)
    {
        (at, position) = (0, 0);
        if (_pending is not { Count: > 0 })
            return false;
        (at, position, var lowest) = _pending[^1];
        if (position > lowest)
        {
            position -= char.IsLowSurrogate(_text[position - 1]) ? 2 : 1;
            if (position > lowest)
            {
                _pending[^1] = (at, position, lowest);
                return true;
            }
        }

        _pending.RemoveAt(_pending.Count - 1);
        return true;
    }

    private void Push(int instruction, int position, int lowest) => (_pending ??= []).Add((instruction, position, lowest));

    private readonly bool MarkTried(int number, int position)
    {
        var index = number * (_text.Length + 1L) + position;
        var bit = 1UL << (int)(index & 63);
        if ((_tried![index >> 6] & bit) != 0)
            return false;
        _tried[index >> 6] |= bit;
        return true;
    }

    private readonly bool IsNext(RuneSet set, int position) => position < _text.Length && set.Contains(RuneAt(position, out _));

    private readonly int RuneAt(int position, out int length) => RunePattern.RuneAt(_text, position, out length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Advance(ref int position, int length)
    {
        position += length;
        return true;
    }
}

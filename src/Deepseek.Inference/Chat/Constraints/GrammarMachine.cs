using System.Runtime.InteropServices;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Runs texts through a grammar, a byte at a time: an automaton whose states are made when they are first reached.</summary>
/// <remarks>
/// A state is the set of all ways to go on, each a stack of frames (a pushdown automaton, simulated on all its ways at once). Not thread-safe; callers lock the
/// machine. What it remembers is bounded: it starts to remember anew when that is much, and states given out before stay valid.
/// </remarks>
internal sealed class GrammarMachine
{
    private const int MostStates = 16_384;
    private const int MostFrames = 1 << 18;

    // Alternatives that begin alike can double the ways with every level of nesting.
    private const int MostWays = 2048;

    private readonly Dictionary<(GrammarNode, int, GrammarFrame?), GrammarFrame> _frames = [];
    private readonly Dictionary<long[], GrammarState> _states = new(new IdsComparer());
    private long _lastId; // 0 stands for the end of the text

    /// <summary>The state that no text leaves.</summary>
    public GrammarState Dead { get; } = new([], accepts: false);

    /// <summary>The state before the first byte of a grammar.</summary>
    public GrammarState Start(GrammarNode root)
    {
        var ways = new Ways(this);
        ways.Enter(root, below: null);
        return ways.State();
    }

    /// <summary>The state after one more byte.</summary>
    public GrammarState Step(GrammarState state, byte next)
    {
        if (state.Next[next] is { } known)
            return known;
        if (state.Tops.Length > 64)
            return state.Next[next] = After(state, next);
        var takers = 0UL;
        for (var i = 0; i < state.Tops.Length; i++)
            takers |= Takes(state.Tops[i], next) ? 1UL << i : 0;
        if (!state.ByTakers.TryGetValue(takers, out var after))
            state.ByTakers.Add(takers, after = After(state, next));
        return state.Next[next] = after;
    }

    private GrammarState After(GrammarState state, byte next)
    {
        var ways = new Ways(this);
        foreach (var top in state.Tops)
            Advance(ways, top, next);
        return ways.State();
    }

    /// <summary>The state after more bytes.</summary>
    public GrammarState Run(GrammarState state, ReadOnlySpan<byte> bytes)
    {
        foreach (var next in bytes)
        {
            if (state.IsDead)
                break;
            state = Step(state, next);
        }

        return state;
    }

    /// <summary>The state after a control token: it stands for a marker of its text, or lies where all text is free.</summary>
    public GrammarState StepControl(GrammarState state, byte[] text)
    {
        var ways = new Ways(this);
        foreach (var top in state.Tops)
        {
            if (top is { Node: LiteralNode { IsMarker: true } marker, Index: 0 } && marker.Bytes.AsSpan().SequenceEqual(text))
                ways.Continue(top.Below);
        }

        IReadOnlyList<GrammarFrame> free = [.. state.Tops.Where(IsFree)];
        for (var i = 0; i < text.Length && free.Count > 0; i++)
        {
            var after = i < text.Length - 1 ? new Ways(this) : ways; // the last byte's ways count, free or not
            foreach (var top in free)
                Advance(after, top, text[i]);
            free = [.. after.Tops.Where(IsFree)];
        }

        return ways.State();
    }

    /// <summary>Whether a control token can follow at all: spares the question for each of them.</summary>
    public static bool TakesControl(GrammarState state) =>
        Array.Exists(state.Tops, top => IsFree(top) || top is { Node: LiteralNode { IsMarker: true }, Index: 0 });

    private static bool IsFree(GrammarFrame frame) => frame.Node is ByteNode { IsFree: true };

    private void Advance(Ways ways, GrammarFrame top, byte next)
    {
        if (Takes(top, next))
            ways.Continue(top.Node is LiteralNode literal && top.Index + 1 < literal.Bytes.Length ? Frame(literal, top.Index + 1, top.Below) : top.Below);
    }

    private static bool Takes(GrammarFrame top, byte next) => top.Node is LiteralNode literal ? literal.Bytes[top.Index] == next : ((ByteNode)top.Node).Set[next];

    private GrammarFrame Frame(GrammarNode node, int index, GrammarFrame? below)
    {
        if (_frames.Count >= MostFrames)
            Forget();
        ref var frame = ref CollectionsMarshal.GetValueRefOrAddDefault(_frames, (node, index, below), out _);
        return frame ??= new GrammarFrame(node, index, below, ++_lastId);
    }

    private GrammarState Intern(IEnumerable<GrammarFrame> tops, bool accepts)
    {
        // Each way leads to an end: leaving some out narrows the form and breaks nothing.
        GrammarFrame[] sorted = [.. tops.OrderBy(top => top.Id).Take(MostWays)];
        if (sorted.Length == 0 && !accepts)
            return Dead;
        if (_states.Count >= MostStates)
            Forget();
        long[] key = [.. sorted.Select(top => top.Id), .. accepts ? [0L] : Array.Empty<long>()];
        if (!_states.TryGetValue(key, out var state))
            _states.Add(key, state = new GrammarState(sorted, accepts));
        return state;
    }

    private void Forget()
    {
        _frames.Clear();
        _states.Clear();
    }

    /// <summary>Collects the ways to go on, each followed down to what asks for a byte.</summary>
    private sealed class Ways(GrammarMachine machine)
    {
        private readonly HashSet<GrammarFrame> _seen = [];
        private readonly Stack<GrammarFrame?> _open = [];
        private bool _accepts;

        public List<GrammarFrame> Tops { get; } = [];

        public GrammarState State() => machine.Intern(Tops, _accepts);

        public void Enter(GrammarNode node, GrammarFrame? below)
        {
            Push(node, below);
            Follow();
        }

        public void Continue(GrammarFrame? frame)
        {
            _open.Push(frame);
            Follow();
        }

        private void Push(GrammarNode node, GrammarFrame? below)
        {
            if (node.Productive)
                _open.Push(node is SequenceNode { Items.Length: 0 } ? below : machine.Frame(node, 0, below));
        }

        private void Follow()
        {
            while (_open.TryPop(out var frame))
            {
                if (frame is null)
                    _accepts = true;
                else if (_seen.Add(frame))
                    Open(frame);
            }
        }

        private void Open(GrammarFrame frame)
        {
            switch (frame.Node)
            {
                case SequenceNode sequence:
                    // The last item leaves no frame behind: recursion at the end needs no room.
                    Push(sequence.Items[frame.Index], frame.Index + 1 < sequence.Items.Length ? machine.Frame(sequence, frame.Index + 1, frame.Below) : frame.Below);
                    break;
                case ChoiceNode choice:
                    foreach (var item in choice.Items)
                        Push(item, frame.Below);
                    break;
                case RepeatNode repeat:
                    if (frame.Index >= repeat.Least)
                        _open.Push(frame.Below);
                    if (repeat.Most is null)
                        Push(repeat.Item, machine.Frame(repeat, Math.Min(frame.Index + 1, repeat.Least), frame.Below)); // beyond the least, counting changes nothing
                    else if (frame.Index < repeat.Most)
                        Push(repeat.Item, machine.Frame(repeat, frame.Index + 1, frame.Below));
                    break;
                case ReferenceNode reference:
                    Push(reference.Target!, frame.Below);
                    break;
                default:
                    Tops.Add(frame);
                    break;
            }
        }
    }

    private sealed class IdsComparer : IEqualityComparer<long[]>
    {
        public bool Equals(long[]? x, long[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(long[] ids)
        {
            var hash = default(HashCode);
            foreach (var id in ids)
                hash.Add(id);
            return hash.ToHashCode();
        }
    }
}

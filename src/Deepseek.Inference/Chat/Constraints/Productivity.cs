namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Finds which pieces of a grammar some finite text matches.</summary>
/// <remarks>The least fixed point: a list that must contain itself, for one, is never reached.</remarks>
internal static class Productivity
{
    /// <summary>Marks all pieces below a node, and tells whether the node itself is matched by anything.</summary>
    public static bool Mark(GrammarNode root)
    {
        var nodes = Below(root);
        bool changed;
        do
        {
            changed = false;
            // What is found last lies deepest, and is settled first.
            for (var i = nodes.Count - 1; i >= 0; i--)
            {
                if (!nodes[i].Productive && IsProductive(nodes[i]))
                    changed = nodes[i].Productive = true;
            }
        }
        while (changed);
        return root.Productive;
    }

    private static bool IsProductive(GrammarNode node) => node switch
    {
        ByteNode bytes => !bytes.Set.IsEmpty,
        LiteralNode => true,
        SequenceNode sequence => sequence.Items.All(item => item.Productive),
        ChoiceNode choice => choice.Items.Any(item => item.Productive),
        RepeatNode repeat => !(repeat.Most < repeat.Least) && (repeat.Least == 0 || repeat.Item.Productive),
        ReferenceNode reference => reference.Target!.Productive,
        _ => false,
    };

    private static List<GrammarNode> Below(GrammarNode root)
    {
        HashSet<GrammarNode> seen = [root];
        List<GrammarNode> found = [root];
        for (var i = 0; i < found.Count; i++)
        {
            GrammarNode[] parts = found[i] switch
            {
                SequenceNode sequence => sequence.Items,
                ChoiceNode choice => choice.Items,
                RepeatNode repeat => [repeat.Item],
                ReferenceNode reference => [reference.Target!],
                _ => [],
            };
            found.AddRange(parts.Where(seen.Add));
        }

        return found;
    }
}

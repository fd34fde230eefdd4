namespace Deepseek.Inference.Configuration;

/// <summary>Reads the shape of the expert mixture and refuses routing that is not computed.</summary>
internal static class ExpertReader
{
    internal static ExpertConfig Read(ConfigObject root, ModelArchitecture architecture, int layers)
    {
        // Defaults: huggingface/transformers@001f85b configuration_deepseek_v3.py and @008e574 configuration_deepseek_v2.py;
        // moe_layer_freq: the configuration classes published with the checkpoints.
        var v3 = architecture == ModelArchitecture.DeepseekV3;
        var method = ReadMethod(root, v3);
        var experts = new ExpertConfig(
            root.RequiredInt("n_routed_experts", 1, ConfigLimits.Experts),
            root.IsNull("n_shared_experts") ? 0 : root.Int("n_shared_experts", 0, ConfigLimits.SharedExperts, v3 ? 1 : 2),
            root.RequiredInt("num_experts_per_tok", 1, ConfigLimits.Experts),
            root.RequiredInt("moe_intermediate_size", 1, ConfigLimits.Width),
            root.Int("first_k_dense_replace", 0, ConfigLimits.Layers, v3 ? 3 : 0),
            root.Int("moe_layer_freq", 1, ConfigLimits.Layers, 1),
            root.Int("n_group", 1, ConfigLimits.Experts, v3 ? 8 : 1),
            root.Int("topk_group", 1, ConfigLimits.Experts, v3 ? 4 : 1),
            method,
            root.Flag("norm_topk_prob", absent: v3),
            root.Real("routed_scaling_factor", 1e-6, 1e6, v3 ? 2.5 : 1));

        // DeepSeek's code for V2 leaves the scale out when it renormalises, Transformers ignores the key: no one answer.
        if (!v3 && experts.Renormalise)
            root.Refuse("norm_topk_prob", "norm_topk_prob is true; DeepSeek-V2 routing is computed without renormalisation, as in all published models.");
        if (root.Faults.None)
            CheckRelations(root, experts, layers);

        // Greedy choice looks at no groups, whatever the file says about them.
        return method == RoutingMethod.SoftmaxGreedy ? experts with { GroupCount = 1, KeptGroups = 1 } : experts;
    }

    private static RoutingMethod ReadMethod(ConfigObject root, bool v3)
    {
        var scoring = root.Text("scoring_func") ?? (v3 ? "sigmoid" : "softmax");
        var method = root.Text("topk_method") ?? (v3 ? "noaux_tc" : "greedy");
        switch (v3, scoring, method)
        {
            case (true, "sigmoid", "noaux_tc"):
                return RoutingMethod.SigmoidNoAuxiliaryLoss;
            case (false, "softmax", "greedy"):
                return RoutingMethod.SoftmaxGreedy;
            case (false, "softmax", "group_limited_greedy"):
                return RoutingMethod.SoftmaxGroupLimited;
            default:
                var supported = v3 ? "sigmoid with noaux_tc" : "softmax with greedy or group_limited_greedy";
                root.Refuse("scoring_func", $"scoring_func is {UntrustedText.Quote(scoring)} with topk_method {UntrustedText.Quote(method)}; {supported} is supported here.");
                return RoutingMethod.SigmoidNoAuxiliaryLoss;
        }
    }

    private static void CheckRelations(ConfigObject root, ExpertConfig experts, int layers)
    {
        if (experts.FirstDenseLayers > layers)
            Refuse(root, "first_k_dense_replace", experts.FirstDenseLayers, $"at most num_hidden_layers, {layers}");
        if (experts.ChosenCount > experts.RoutedCount)
            Refuse(root, "num_experts_per_tok", experts.ChosenCount, $"at most n_routed_experts, {experts.RoutedCount}");
        if (experts.Method != RoutingMethod.SoftmaxGreedy)
            CheckGroups(root, experts);
    }

    private static void CheckGroups(ConfigObject root, ExpertConfig experts)
    {
        if (experts.KeptGroups > experts.GroupCount)
            Refuse(root, "topk_group", experts.KeptGroups, $"at most n_group, {experts.GroupCount}");
        if (experts.RoutedCount % experts.GroupCount != 0)
        {
            Refuse(root, "n_routed_experts", experts.RoutedCount, $"a multiple of n_group, {experts.GroupCount}");
            return;
        }

        // Too few experts in the kept groups, and dropped ones would be chosen.
        var groupSize = experts.RoutedCount / experts.GroupCount;
        var eligible = (long)experts.KeptGroups * groupSize;
        if (experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss && groupSize < 2)
            Refuse(root, "n_routed_experts", experts.RoutedCount, $"at least twice n_group, {experts.GroupCount}, since a group is ranked by its two best experts");
        else if (experts.ChosenCount > eligible && experts.ChosenCount <= experts.RoutedCount)
            Refuse(root, "num_experts_per_tok", experts.ChosenCount, $"at most {eligible}, the experts of {experts.KeptGroups} groups");
    }

    private static void Refuse(ConfigObject root, string key, int value, FormattableString range) =>
        root.Refuse(key, FormattableString.Invariant($"{key} is {value}; it must be ") + FormattableString.Invariant(range) + ".");
}

namespace Andrea.Data.Corpus;

/// <summary>The plots of the stories: which sentences follow each other.</summary>
internal static class PlotRules
{
    /// <summary>One plot a line; a slash ends a paragraph, a question mark makes a sentence optional.</summary>
    public const string Text = """
        open habit? weather? / lost_wake lost_search think? / meet ask lost_tell lost_help / go? lost_found lost_why thank? / end
        open habit weather? / lost_wake think lost_search / detail? meet ask lost_tell advise / lost_found thank lost_why? / end
        open habit? / gift_day gift_poor think? / detail weather? gift_make gift_hard / gift_give gift_reply / end
        open weather? / gift_day gift_poor / think? gift_help advice_old? / gift_make gift_hard? / gift_give gift_reply end
        open habit? road_call / weather go road_block / think meet ask? road_help thank? / road_arrive detail? road_find / road_back end
        open road_call think? / go detail road_block weather? / road_alone road_arrive road_find / road_back / end
        open habit mend_break / mend_need think? mend_try / meet ask mend_tell mend_teach / mend_done thank? / end
        open mend_break mend_need weather? / mend_try mend_try2 think / mend_idea mend_done / end
        open fear_of fear_hide / weather? fear_event think / fear_step fear_turn / fear_learn end
        open habit? fear_of fear_hide / meet ask fear_tell advise / fear_event fear_step fear_turn / fear_learn thank? / end
        open habit? quarrel_friend / quarrel_thing quarrel_words quarrel_part / weather think quarrel_miss / quarrel_sorry quarrel_peace / end
        open quarrel_friend detail? quarrel_thing / quarrel_words quarrel_part weather? / quarrel_miss advice_old quarrel_sorry / quarrel_peace end
        open habit? sound_night weather? / sound_look sound_guess / sound_steps detail? sound_truth / sound_after end
        open sound_night / meet? sound_guess think / sound_look sound_steps sound_truth sound_after / end
        open trade_start habit? / trade_one trade_two / trade_three detail? / trade_home advice_old? / end
        open trade_start think? / weather? trade_one trade_two trade_three / meet ask? trade_home / end
        open habit? race_news race_plan / weather race_start race_turn / race_choice race_finish / race_prize end
        open race_news think? race_plan advice_old / race_start detail? race_turn race_choice / race_finish race_prize / end
        open seed_find seed_plant / weather seed_wait seed_laugh / seed_care seed_more? / seed_grow seed_give / end
        open habit? seed_find advice_old? / seed_plant seed_laugh seed_wait think? / seed_care seed_grow / seed_give end
        open habit? letter_came letter_text / think letter_go go weather? / letter_meet letter_talk / end
        open letter_came letter_text think? / letter_go detail? go / letter_meet letter_talk thank? / end
        """;
}

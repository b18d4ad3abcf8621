namespace Andrea.Data.Corpus;

/// <summary>Sentences of the plots about things: something lost, a gift, a way to go, something to mend.</summary>
/// <remarks>Variables besides those of <see cref="StoryRules"/>: obj, the noun in thing; goal, a place.</remarks>
internal static class QuestRules
{
    public const string Text = """
        = advice_old
        {His} {relative} had always told {him}: "{Saying}."
        {He} remembered an old saying: {saying}.
        A line from an old song came to {his} mind: "{Saying}."

        = lost_wake
        One {day_part}, {his} {thing} was gone.
        One day {he} reached for {his} {thing}, and it was not there.
        On {weekday} {he} noticed that the {thing} was missing.
        But one {weather_look} {day_part} {he} lost {his} {thing}.
        When {he} came home from the {place}, the {thing} had disappeared.

        = lost_search
        {He} looked {hiding_spot}, but there was only {a thing_look} {object}.
        {He} searched the {room}, the {room} and even the {place}.
        {He} asked {a trade}, {a trade} and {few} children, but nobody had seen it.
        {He} turned the whole {room} upside down and found {few} {s object}, but no {obj}.
        {He} looked {hiding_spot} and {hiding_spot}, and found nothing but dust.

        = lost_tell
        "I have lost my {obj}," said {hero}. "I can't work without it!"
        "My {thing} is gone," {hero} said {manner}. "I have had it since I was {a small_age}."
        "Somebody took my {obj}," said {hero}, "or else I am {a person_look} fool."
        "Have you seen {a thing}?" asked {hero}.

        ~ small_age
        child, boy or a girl no taller than a chair, schoolchild, baby

        = lost_help
        "Where did you see it last?" asked {friend}. {Hero} thought of the {goal}.
        "I saw {a animal} with something {color} in its mouth," said {friend}, "near the {goal}."
        "Let us look together," said {friend}, "for four eyes see more than two."
        "Things are always in the last place you look," said {friend}, and they went to the {goal}.
        {Friend} lit {a lamp_like} and went ahead to the {goal}.

        ~ lamp_like
        lamp, lantern, candle, torch

        = lost_found
        And there it was: the {obj} lay {hiding_spot}.
        They looked {hiding_spot}, and there was the {obj}.
        {Soon} they found the {thing} {hiding_spot}.
        Just as they wanted to give up, {he} saw something {hiding_spot}. It was the {obj}.

        = lost_why
        {A animal} had made its bed beside it.
        The wind had carried it there.
        {He} had put it there {himself}, on {weekday}, and forgotten it.
        "{A animal_thief} must have liked it," said {friend}.
        A child had borrowed it to play {trade_game}.

        ~ animal_thief
        magpie, raven, crow, squirrel, mouse

        ~ trade_game
        captain, shop, school, king and queen, circus, doctor

        = gift_day
        {Friend}, {fwho}, would soon have a birthday, and {hero} wanted to give {fhim} {a thing}.
        {He} wanted to bring {a thing} to {friend}, {fwho}, who was ill.
        In {month} {friend}, {fwho}, was going to leave, and {hero} wanted to give {fhim} {a thing} to take along.
        {Hero} had a friend named {friend}, {fwho}, who had always wished for {a thing}.

        = gift_poor
        But {a obj} cost {few} coins, and {he} had only one.
        But the only shop that sold {s obj} was closed until {weekday}.
        But nobody near the {place} had {a obj} to sell.
        But {his} purse was as empty as {a object} without a bottom.
        But the {trade} wanted {few} silver coins for it.

        = gift_help
        "I'd like to give {a obj} away, but I have no money," {he} told {a trade}. "Then make one!" was the answer.
        {A trade} gave {him} {a material} {object} and some glue. "That's all you need."
        {He} dreamed that {a animal} told {him} how to make {a obj}, and in the morning {he} still knew it.
        In a book from the {place} {he} found out how {s obj} are made.

        = gift_make
        So {he} decided to make {a obj} {himself}, from {a material} {object} and {few} {s object}.
        {Soon} {he} began to make one with {his} own hands.
        {He} gathered string, paint and {a thing_look} {object}, and got to work in the {room}.
        "Then I will make it myself," said {hero}.

        = gift_hard
        The first one broke, and the second one looked like {a animal}.
        {He} worked until midnight, and {weather_event}.
        It took {few} days, and {he} hurt {his} thumb {few} times.
        {He} used the last of the {color} paint for it.
        It was not perfect: one side was {color} and the other was {color}.

        = gift_give
        {Soon} {he} wrapped it in {color} paper and took it to {friend}.
        When {friend} opened the door, {hero} held it out without a word.
        {Soon} {friend} found {a thing} on the table.
        "This is for you," said {hero}. {Friend} untied the {color} ribbon.

        = gift_reply
        "It is the best {obj} in the world," said {friend}.
        "You made it? For me? It's wonderful!" said {friend}, and {fhis} eyes shone.
        {Friend} turned it around {few} times and laughed with joy.
        {Friend} put it where everyone could see it.
        "I will keep it as long as I live," {friend} said {manner}.

        = road_call
        One day {he} heard of the {place_look} {goal}, where {a thing} was hidden.
        {He} had always wanted to see the {place_look} {goal}.
        A letter came: {he} was to bring {a thing} to the {goal} before {weekday}.
        "Somewhere beyond the hills there is {a place_look} {goal}," {his} {relative} used to say.
        {He} dreamed {few} nights in a row of {a place_look} {goal}.

        = road_block
        But the bridge was down, and the river was {river_look}.
        But at the gate of the {goal} lay {a animal_look} {big_animal}, and it would not move.
        But the road ended at {a color} wall without a door.
        Then {weather_event}, and {he} could not see the road.
        Soon {he} came to a place where the road split in three.

        ~ river_look
        wide and cold, deep, full of ice, wild, brown and fast, as loud as a mill

        ~ big_animal
        dog, bear, goose, goat, bull, swan, wolf, pony, donkey

        = road_alone
        {He} waited until {weather_event2}, and then {he} went on.
        {He} tied {his} {object} to {his} back and {manner} climbed on.
        {He} shared {his} {food} with {a animal}, and the {animal} showed {him} the way.
        {He} threw {a food} to the left and followed the other road.
        With {a object} and {few} old planks {he} built a way across.

        = weather_event2
        the rain stopped
        the moon rose
        the fog was gone
        the wind had grown tired
        the sun came up

        = road_help
        "I know another way," said {friend}, and gave {him} {a thing_look} {object}.
        "Take my {object}," said {friend}, "and bring it back when you return."
        "Walk where the {s animal} walk," said {friend}, "and you will not fall."
        {Friend} had a boat, and {fhe} rowed {him} across.
        "We will go together," said {friend}, "since two are braver than one."

        = road_arrive
        {Soon} {he} stood before the {goal}.
        {Soon} {he} saw the {goal} in the distance, {color} in the light.
        After {few} hours {he} reached the {goal}.
        And behind the last hill, there was the {goal}.

        = road_find
        Inside {he} found {a thing} and {few} sleeping {s animal}.
        There was no treasure in it, only {a thing_look} {object} and a view of the whole {valley_like}.
        {A person_look} {trade} opened the door and said, "We have been waiting for you."
        It was smaller than {he} had thought, and more beautiful.
        On the wall someone had written: "{Saying}."

        ~ valley_like
        valley, coast, country, island, plain, sea

        = road_back
        The way home seemed only half as long.
        {He} took {a color} stone from the {goal} and went home.
        {He} came home with {a object} full of {s food} and many stories.
        When {he} came back, everyone wanted to hear about the {goal}.

        = mend_break
        One {day_part} the {machine=machine} stopped.
        On {weekday} the old {machine=machine} broke with a loud noise.
        One {weather_look} {day_part} the {machine=machine} would not move any more.
        In {month} the {machine=machine} began to creak, and then it fell silent.

        = mend_need
        Without the {machine}, there would be no {warm_food} for anyone.
        Everyone needed the {machine}, and nobody knew how it worked.
        "We will have to buy a new one," said {a trade}, but a new one cost too much.
        The {machine} had run for {few} years, and now the {place} was strangely quiet.

        = mend_try
        {Hero} opened it and found {few} gears, a spring and {a animal} nest.
        {He} hit it with {a object}, but that only made it worse.
        {He} cleaned every wheel and put everything back, and one screw was left over.
        {He} read {few} books about it and understood none of them.
        {He} pulled, pushed, and turned, but nothing moved.

        = mend_try2
        {He} tried it with {a object}, with string and with glue.
        {He} tried again with {a material} {object}, and again nothing happened.
        {Soon} {he} tried it the other way around.

        = mend_tell
        "The {machine} is broken," said {hero}, "and I have tried everything."
        "I can't mend the {machine}," said {hero} {manner}.
        "Do you know anything about {s machine}?" asked {hero}.

        = mend_teach
        {Friend} listened to it, and then {fhe} said, "Start with the smallest wheel."
        "Do not look at what is broken," said {friend}. "Look at what still moves."
        "It only needs oil and {a object}," said {friend}.
        {Friend} showed {him} how to take one part out at a time and lay the parts in a row.

        = mend_idea
        Then {he} saw {a animal} turn around in its nest, and {he} had an idea.
        Then {he} noticed {a color} thread between two wheels.
        Then {he} turned the drawing upside down, and all at once it made sense.

        = mend_done
        {He} changed one small spring, and the {machine} ran again.
        With a sigh the {machine} began to turn, first {manner}, then faster.
        {Soon} the {machine} was working better than before.
        The {machine} coughed, shook, and ran.
        """;
}

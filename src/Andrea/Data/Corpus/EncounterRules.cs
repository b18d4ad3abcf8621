namespace Andrea.Data.Corpus;

/// <summary>Sentences of the plots about people: fear, a quarrel, a sound at night, trades, a race, a seed, a letter.</summary>
/// <remarks>Variables besides those of <see cref="StoryRules"/>: obj, the noun in thing; goal, a place.</remarks>
internal static class EncounterRules
{
    public const string Text = """
        = fear_of
        {He} was afraid of only one thing: {fear=fear_thing}.
        {He} was {person_look} and strong, but {he} was afraid of {fear=fear_thing}.
        Nobody knew that {he} was afraid of {fear=fear_thing}.

        ~ fear_thing
        deep water, the dark, thunder, high places, geese, strangers, the old cellar, big dogs, storms, the sea, spiders, ghosts

        = fear_hide
        So {he} always found a reason to stay at home.
        When others went to the {place}, {he} said that {he} had to wash {his} {object}.
        {He} had not been to the {goal} for {few} years because of it.
        {He} told no one, not even {his} {relative}.

        = fear_tell
        "I am afraid of {fear}," said {hero}, and {his} face turned red.
        "It's nothing," said {hero}, but {friend} waited, and so {he} told {fhim} about {fear}.

        = fear_event
        One {weather_look} {day_part} {a animal} cried for help behind the {goal}.
        Then one {day_part} a child was lost near the {goal}.
        But on {weekday} the lamp at the {goal} went out, and somebody had to light it.
        Then the {animal} that {he} loved ran away to the {goal}.

        = fear_step
        {He} closed {his} eyes, thought of {fear}, and took one step, and then another.
        {His} knees shook, but {he} went.
        "I'm afraid," {he} said aloud, "and I am going."
        {He} sang a song about {a food} to hear a voice, and walked on.

        = fear_turn
        And while {he} was helping, {he} forgot to be afraid.
        When it was over, {he} was surprised that it had been so small.
        {Soon} everyone was safe, and {hero} was wet, cold and {feeling}.
        {He} came back with {a animal} in {his} arms.

        = fear_learn
        {He} was still a little afraid of {fear}, but now {he} knew what to do about it.
        "Being brave does not mean that you are not afraid," {he} said later.
        Since then {he} has gone to the {goal} every {weekday}.

        = quarrel_friend
        {Friend}, {fwho}, was {his} best friend.
        {He} shared everything with {his} neighbor {friend}, {fwho}.
        {Hero} and {friend}, {fwho}, had known each other for {few} years.

        = quarrel_thing
        One {day_part} they found {a thing} {hiding_spot}.
        On {weekday} they built {a obj} together, and it became {a thing}.
        {Soon} they both wanted the same {thing}.

        = quarrel_words
        "It belongs to me," said {hero}. "I saw it first," said {friend}.
        "You never share anything," said {friend}. "And you never listen," said {hero}.
        They pulled at it from both sides until it cracked.
        One word led to another, and the words got louder.

        = quarrel_part
        {Friend} went home without saying goodbye.
        After that they did not speak for {few} days.
        {Hero} slammed the door so hard that {a object} fell from the shelf.
        They walked home on different sides of the street.

        = quarrel_miss
        But the {obj} was no fun alone.
        {He} made {warm_food} for two by mistake.
        {He} saw {friend} at the {place} and did not know what to say.
        Without {friend}, even {weekday} felt like a rainy {weekday2}.

        ~ weekday2
        Monday, Tuesday, Wednesday, Thursday

        = quarrel_sorry
        {Soon} {he} took the {obj} and knocked at the door. "I am sorry," {he} said.
        {Soon} {friend} stood before {his} door with {a food} in each hand.
        {He} wrote a letter with only two words: "I'm sorry."
        They met halfway, each with a gift for the other.

        = quarrel_peace
        "You take it on {weekday}, and I will take it on {weekday}," said {friend}.
        They gave the {obj} to a child who had none, and both felt better.
        {Friend} laughed first, and then they both laughed.
        They sawed the {obj} in two, and it was no use to anyone, but they were friends again.

        = sound_night
        One night {he} heard a strange sound: {noise=noise}.
        In the middle of the night something woke {him}. It went {noise=noise}.
        For {few} nights there had been a noise in the {room}: {noise=noise}.

        = noise
        "tap, tap, tap"
        "creak, creak"
        "hoo, hoo"
        "scratch, scratch"
        "drip, drip, drip"
        "clink, clink"
        "bump, bump"
        "hush, hush"

        = sound_guess
        "A ghost," said {a trade}. "A thief," said {a trade}.
        {Hero} thought of {few} reasons, each worse than the one before.
        "It's only the wind," {he} said {manner}, but there was no wind.
        It could not be {a animal}, because {s animal} do not sound like that.

        = sound_look
        {He} took {a lamp_like} and went to see.
        {He} put on {his} coat and took {a object}, in case it was a thief.
        {Manner}, {he} opened the door of the {room}.
        {He} listened at the door of the {room}.

        = sound_steps
        There it was again: {noise}.
        {He} held {his} breath. {Noise}.
        It came from the {room}, and then from the {room}, and then from above.
        {He} took {few} steps, and the sound stopped.

        = sound_truth
        It was {a animal_look} {animal}, caught in {a object}.
        It was {friend}, {fwho}, who walked in {fhis} sleep.
        {Few} young {s animal} had made a home {hiding_spot}.
        It was only {a plant} that the wind moved against the window.
        It was the {thing} of {his} {relative}, and it had started to work again.

        = sound_after
        {Hero} laughed so loud that {weather_place} answered with an echo.
        {He} left a dish of {warm_food} there and went back to bed.
        {He} wrote it down in a notebook so that nobody would be afraid again.
        Since then {he} has slept badly only when it is quiet.

        ~ weather_place
        the hill, the old well, the empty hall, the valley, the cellar

        = trade_start
        {He} owned nothing but {a thing}.
        {His} {relative} left {him} nothing but {a thing}.
        One day {he} took {his} {thing} to the market.

        = trade_one
        {A trade} gave {him} {a first_trade=object} for the {obj}.
        On the road {a trade} said, "I need {a obj}. Take my {first_trade=object} for it."
        {He} met {a animal_look} {animal} whose {trade} needed {a obj}, and got {a first_trade=object} for it.

        = trade_two
        Then {a trade} wanted the {first_trade} and offered {a second_trade=object}.
        The {first_trade} was heavy, so {he} changed it for {a second_trade=object}.
        {Soon} {he} gave the {first_trade} away and got {a second_trade=object}.

        = trade_three
        For the {second_trade} {he} got {few} {s last_trade=food}.
        {A trade} needed the {second_trade} badly and paid with {few} {s last_trade=food}.
        The {second_trade} became {few} {s last_trade=food}, because {he} was hungry.

        = trade_home
        So {he} had changed {a obj} for {a first_trade}, {a first_trade} for {a second_trade}, and {a second_trade} for {s last_trade}.
        "{A obj}, {a first_trade}, {a second_trade}, and now only {s last_trade}," {he} said, "but what a day it was!"
        {He} ate one {last_trade}, gave one to {a animal} and planted one by the gate.

        = race_news
        Every {month} there was a race from the {place} to the {goal}.
        In {season} the {town} held a contest: who could {skill} the fastest?
        A prize was offered: {a thing} for whoever reached the {goal} first.

        = race_plan
        {Hero} wanted to win it more than anything.
        {He} practiced every {day_part} behind the {place}.
        {Friend}, {fwho}, had won it {few} times and laughed at {him}.
        "You are too {slow_look}," said {friend}, {fwho}.

        ~ slow_look
        slow, small, young, old, careful, polite, heavy

        = race_start
        {Few} people and {a animal} stood at the start.
        "One, two, three, go!" said {a trade}, and off they went.
        The bell rang, and everyone ran at once.

        = race_turn
        At the {place} {he} was last, but {he} did not stop.
        Halfway there {he} had passed {few} of the others.
        Soon only {friend} was ahead of {him}.

        = race_choice
        Then {he} saw {a animal} in the ditch, and {he} stopped to help it.
        Then {friend} fell and hurt {fhis} foot, and {hero} turned back.
        Near the end {he} gave {his} water to {a trade} who could not go on.

        = race_finish
        {He} came in last, carrying {a animal}, and the people cheered.
        Together they walked over the line, arm in arm.
        {He} missed the first place by {few} steps.
        When {he} arrived, even the {s animal} seemed to clap.

        = race_prize
        The prize, {a thing}, went to {a trade}, who gave it to {hero}.
        {He} won no {obj}, but {few} people asked {him} to supper.
        "Next year," said {friend}, "we will run together."
        The {obj} stands in the {place} now, and both their names are on it.

        = seed_find
        One day {he} found {a color} seed {hiding_spot}.
        {A animal} dropped a seed before {his} door.
        {A person_look} {trade} paid {him} with a single seed.
        In the pocket of an old coat {he} found {few} seeds.

        = seed_plant
        {He} planted it near the {place} and put {few} stones around it.
        {He} put it into {a object} full of earth and set it on the sill.
        {He} dug a hole behind the {room_house} and covered it {manner}.

        ~ room_house
        house, kitchen, barn, shed, workshop

        = seed_wait
        {Few} weeks went by, and nothing happened.
        All through {month} there was nothing to see but earth.
        {He} waited in {season}, and {he} waited in {season}.

        = seed_laugh
        "That's a stone, not a seed," said {a trade}.
        The neighbors laughed. "You are watering dirt," they said.
        {Friend}, {fwho}, shook {fhis} head: "Nothing grows there."

        = seed_care
        But every {day_part} {he} carried water from the {well_like} and talked to it.
        When {weather_event}, {he} covered it with {his} own {blanket_like}.
        {He} built a small fence against the {s animal}.

        ~ well_like
        well, river, pond, pump, lake

        ~ blanket_like
        blanket, coat, scarf, hat, umbrella

        = seed_more
        {He} even read to it from a book about {s machine}.
        {He} told it about the {place}, and about {his} {relative}.

        = seed_grow
        {Soon} there was a green leaf, no bigger than {a small_object}.
        And then, in a single night, it became {a plant}.
        In {season} there stood {a plant} as tall as {a big_object}.

        ~ small_object
        button, coin, thimble, fingernail, bee, stamp

        ~ big_object
        house, door, wagon, ladder, mill, tower

        = seed_give
        {He} gave a branch of it to everyone who had laughed.
        Now {few} children climb in it every summer.
        {Friend} came to see it and stayed for {warm_food}.
        {He} kept one seed and gave it to {a person_look} {trade} who passed by.

        = letter_came
        One {day_part} a letter arrived in {a color} envelope.
        On {weekday} the mail brought {him} a letter that was {few} years old.
        {He} found a letter {hiding_spot}, and {his} own name was on it.

        = letter_text
        "Dear {hero}," it said, "please come to the {goal} on {weekday} and bring {a thing}. Yours, {friend}."
        "Dear {hero}, I am well, but the {goal} is lonely without you. {Weather_event} here. Yours, {friend}."
        "Dear {hero}," it said, "I still have your {thing}. Come and get it. Your friend {friend}."
        "To {hero}: I was wrong about the {obj}. Can you forgive me? {Friend}."

        = letter_go
        {He} packed {a object}, {few} {s food} and {a thing}, and left the same day.
        "The {goal} is far," said {his} {relative}, but {he} was already at the door.
        {He} read it {few} times, and then {he} put on {his} coat.

        = letter_meet
        At the {goal} stood {friend}, {fwho}, older than before, but with the same smile.
        {Friend} was waiting at the {goal} with {a object} in {fhis} hand.
        A light was on at the {goal}, and {friend} opened before {he} could knock.

        = letter_talk
        They talked about {s object}, about {s animal} and about the old days until {weather_event}.
        "You came!" said {friend}. "You wrote," said {hero}.
        "I was afraid that you would not come," {friend} said {manner}.
        They shared {warm_food} and did not say much, and it was enough.
        """;
}

namespace Andrea.Data.Corpus;

/// <summary>Sentences that any story may use: beginnings, weather, details, talk and endings.</summary>
/// <remarks>Variables: hero with he, him, his; friend with fhe, fhim, fhis; thing (look + object), place, home.</remarks>
internal static class StoryRules
{
    public const string Text = """
        = home_new
        in {a town_look} {town} by the sea
        in {a town_look} {town} beside the river
        in {a town_look} {town} at the edge of the forest
        in {a town_look} {town} between two hills
        in {a town_look} {town} at the foot of the mountain
        in {a color} house near the {place}
        above a shop that sold {s object}
        in a cottage behind the {place_look} {place}
        on a farm with {few} {s farm_animal}
        next door to {a trade}

        = who_new
        {a person_look} {trade}
        {a person_look} {trade}
        {a trade}
        {a person_look} {trade}'s child
        {a trade} with {color} boots
        {a person_look} {trade} from far away

        = fwho_new
        {a person_look} {trade}
        {a person_look} {trade}
        {a trade}
        {a trade} from a distant {town}

        = who_animal
        {a animal_look} {animal}
        {a animal_look} {animal}
        {a animal_look} {animal} with one {color} ear
        {a animal_look} {animal} who could read

        = thing_new
        {thing_look} {obj}

        = open_new
        Once there was {who} named {hero}, who lived {home}.
        {Hero} was {who} who lived {home}.
        {Home} lived {who} called {hero}.
        There once lived {who} {home}, and {his} name was {hero}.
        {Hero}, {who}, lived {home}.
        Long ago, {home}, there lived {who} named {hero}.

        = open_animal
        Once there was {who} named {hero}, who lived near the {place_look} {place}.
        {Hero} was {who} who lived {hiding_spot}.
        A long time ago, {who} called {hero} lived behind the {place}.
        In the forest near the {place} lived {who} named {hero}.
        {Hero}, {who}, lived in {a thing_look} {box_home}.

        ~ box_home
        box, basket, barrel, boot, teapot, hat, trunk, bucket, tree stump, flower pot, wheelbarrow

        = habit
        Every morning {he} swept the {room} and fed {his} {animal}.
        {He} liked {warm_food} and long walks to the {place}.
        {He} had {few} {s object} and knew a story about each of them.
        {He} never went anywhere without {his} {object}.
        In the evening {he} sat by the window and mended {s object}.
        People said that {he} could {skill} better than anyone.
        {He} was {person_look}, and {he} was never in a hurry.
        On {weekday} {he} always walked to the {place} and back.
        {He} talked to the {s animal} as if they were neighbors.
        {He} kept {few} {s food} in {a object}, just in case.
        In {season} {he} rose before the sun to look at the {place}.
        {He} had learned from {his} grandmother how to {skill}.

        = skill
        mend {a object}
        whistle like {a animal}
        bake {a food}
        read the clouds
        paint {a animal}
        tie {few} kinds of knots
        carve {a object} out of oak
        tell one {animal} from another by its voice
        add up long numbers
        play the {instrument}
        sew a torn coat
        row against the current
        find water in dry ground

        ~ instrument
        flute, drum, violin, harp, trumpet, fiddle, organ, whistle, lute, accordion

        = weather
        It was {a weather_look} {day_part} in {season}.
        It was {a weather_look} {day_part} in {month}.
        The sky over the {place} was {sky_look}.
        {Weather_event}.
        {Weather_event}, and the {road} was {road_look}.
        That {day_part} {weather_event}.
        Outside, {weather_event}.

        ~ weather_look
        bright, cold, windy, foggy, rainy, quiet, stormy, frosty, warm, grey, clear, mild, damp, hot, still, dark, golden, chilly

        ~ day_part
        morning, evening, afternoon, night

        ~ sky_look
        grey, clear, dark, full of stars, white with snow clouds, as blue as a plum, pink and gold, heavy with rain, empty, low

        = weather_event
        it rained without a pause
        snow fell on the roofs
        the wind shook the {plant} by the gate
        fog lay over the {place}
        the sun came out at last
        thunder rolled behind the hills
        a warm wind blew from the south
        frost covered the windows
        the rain drummed on the roof
        the moon stood above the {place}
        a storm blew in from the sea
        hail rattled on the {place}
        mist rose from the river

        ~ road
        road, path, street, lane, bridge, square, trail

        ~ road_look
        wet, empty, muddy, white, slippery, dusty, dark, covered with leaves, full of puddles, hard to see

        = detail
        {A animal} watched from the wall.
        Somewhere {a animal} called.
        The air smelled of {warm_food}.
        {A person_look} {trade} passed by with {a object} and nodded.
        {A color} {object} hung above the door.
        Not far away, {few} {s animal} slept in the grass.
        A light burned near the {place}.
        Nobody else was on the {road}.
        {Few} children were playing with {a object} near the {place}.
        The bells of the {place} rang {few} times.
        In the window stood {a thing_look} {object} and {a plant} in a pot.
        {A animal} ran across the {road} and was gone.
        From the {room} came the smell of {warm_food}.

        = think
        "I can't do it," {he} said, and then {he} tried again.
        "It isn't fair!" {he} shouted at the {animal}, but the {animal} only looked at {him}.
        {He} sat down on a stone and thought for a long time.
        {He} felt {bad_feeling}, but {he} did not give up.
        {He} counted to {few} and took a deep breath.
        {He} was too {bad_feeling} to eat {his} {warm_food}.
        {He} looked at {his} hands and did not know what to do.
        "There must be a way," {he} said to {himself}.
        "What would {a trade} do now?" {he} asked {himself}.
        {He} remembered what {his} {relative} used to say: "{Saying}."
        {He} wanted to go home, but {his} feet would not move.
        {He} {manner} drew a plan on the back of {a envelope_like}.

        ~ envelope_like
        letter, map, notebook, paper bag, receipt, menu

        ~ relative
        grandmother, grandfather, mother, father, aunt, uncle, old teacher, sister, brother

        = saying
        a slow step is still a step
        ask first and dig later
        a full pot makes no noise
        whoever shares a lamp sees twice as much
        the river does not hurry and it reaches the sea
        measure it twice and cut it once
        even a long night has a morning
        a small key opens a big gate
        the rain falls on every roof
        you cannot carry water in an angry hand
        an open door needs no hammer
        one stitch today saves {few} tomorrow

        = meet
        {Soon} {he} met {friend}, {fwho}.
        On the {road} {he} met {friend}, {fwho}.
        Near the {place} sat {friend}, {fwho}, with {a object} on {fhis} knees.
        Then {fwho} named {friend} came along with {a thing_look} {object}.
        {Friend}, {fwho}, saw {him} and stopped.
        In front of the {place} stood {friend}, {fwho}.

        = ask
        "What is the matter?" asked {friend}.
        "Why do you look so {bad_feeling}?" {friend} asked.
        "Can I help you?" {friend} asked {manner}.
        "You look {bad_feeling}, {hero}!" said {friend}.
        "What's wrong?" asked {friend}.
        "Sit down and tell me," said {friend}, and gave {him} some {warm_food}.

        = advise
        "{Saying}," said {friend}.
        "My {relative} always said: {saying}," said {friend}.
        "Don't worry," said {friend}. "{Saying}."
        {Friend} laughed. "{Saying}," {fhe} said.
        {Friend} thought for a while. "{Saying}," {fhe} said at last.

        = thank
        "Thank you," said {hero} {manner}.
        "I won't forget this!" said {hero}.
        {Hero} thanked {fhim} and gave {fhim} {a food}.
        "You are {a person_look} friend," {hero} said.
        {Hero} took {fhis} hand and shook it.
        "How can I repay you?" asked {hero}. "Bring me {a food} someday," said {friend}.

        = go
        So {he} took {his} {object} and walked to the {place_look} {place}.
        {He} walked past the {place}, over the {place} and down to the river.
        {He} put {few} {s food} into {a object} and set out.
        {He} {manner} climbed the slope behind the {place}.
        {He} followed the {road} until {his} legs hurt.
        {He} ran all the way to the {place}.
        {He} crossed the {place_look} {place} without looking back.
        {He} asked {a trade} for the way, and then {a trade}, and then {a animal}.

        = end
        That night {he} slept well, and {weather_event}.
        From that day on, {hero} and {friend} were friends.
        It wasn't the end of the story, but it was the best part of it.
        And whenever {weather_event}, {he} thought of {friend} and smiled.
        {He} felt {feeling}, and the {warm_food} had never tasted so good.
        {Hero} put {a object} on the shelf to remember that day.
        "{Saying}," {he} said, and blew out the candle.
        After that, {hero} never again forgot what {friend} had told {him}.
        {Friend} still tells that story in the {place}, and every year the {animal} in it gets bigger.
        They ate {warm_food} together until the stars came out.
        {He} told no one about it, except {his} {relative}.
        {He} sat by the window until the moon stood above the {place}, and {he} was {feeling}.
        And if you go there in {season}, you can still see the {object}.
        The {animal} slept by the stove, and everything was as it should be.
        And that is why there is {a thing_look} {object} above {his} door.
        {Hero} was {feeling}, {friend} was {feeling}, and the {animal} slept by the stove.
        """;
}

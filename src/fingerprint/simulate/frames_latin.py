"""Frames of people and query sets in Spanish, German and French; the rules are named as in the English frames."""

from __future__ import annotations

TEXT = r"""
hello.es
  {hello.es1@a}
hello.es1
  *7 \e
  *2 {r:|||Hola, |Buenas, }
  *1 {r:||Buenos días. ^|Hola a todos. ^}
wish.es
  {wish.es1@a}
wish.es1
  *7 \e
  *2 {r:||| Gracias.| gracias}
  *1 {r:||| Sé breve.| Con ejemplos, por favor.}
again.es
  {r:otra vez: |perdón, |me explico mejor: }{ask@p}
  {ask@p}{r: por favor| (es urgente)|| gracias| para {own.es}}
own.es
  {mi {kin.es@a} {first@a}|{project@a}|{company@a}|mi trabajo en {company@a}|el proyecto {project@a}}
kin.es
  {mujer|marido|hermano|hermana|madre|hijo|hija|jefe|vecina|compañero|perro|gato}
ctx.es
  *5 \e
  *2  para {own.es}
  *1  en {city@a}
  *1  con {n}
  *1  si {s}
  *1  {esta semana|antes del {small} de mes|con {int3} euros|este verano|mañana}
ask.es
  {Cómo puedo|¿Cómo puedo|¿Qué necesito para|¿Cuánto se tarda en} {v@c}{ctx.es}?
  ¿Cuál es la mejor manera de {v@c}{ctx.es}?
  {s@c}. {¿Qué hago mal?|¿A qué se debe?|¿Cómo lo arreglo?|¿Es normal?}
  ¿Qué diferencia hay entre {n@c} y {n}{ctx.es}?
  Llevo {small} {días|semanas|meses} con {n@c} y {s}. {¿Algún consejo?|¿Qué me recomiendas?|ayuda}
  Explícame {n@c} {con un ejemplo|paso a paso|como si tuviera diez años|en pocas palabras}.
  {Dame|Necesito} {small} {ideas|consejos|errores típicos} sobre {p@c}{ctx.es}.
  {Escribe|Redacta} un {mensaje|correo|texto} para {first@a2} sobre {p@c}: {s}.
  Para {own.es} quiero {v@c}. {¿Por dónde empiezo?|¿Es buena idea?|¿Qué me hace falta?}
  {Corrige|Resume|Mejora} este texto: {passage@c}
  ¿Merece la pena {v@c}{ctx.es}?
  ¿Por qué {s@c} cuando intento {v}?
  {own.es}: {s@c}, {¿qué opinas?|¿cómo sigo?|necesito {v}}
  {duda|pregunta} sobre {p@c}: ¿se puede {v} sin {n}?
  {Hazme|Prepara} {un plan|una lista|una tabla} para {v@c}{ctx.es}.
  Mi {kin.es@a} {first@a} dice que {s@c} por {n}. ¿Es verdad?
passage.es
  {pas.es} {pas.es} {pas.es}
  {pas.es} {pas.es}
pas.es
  En {city@a} {s}.
  {first@a} cree que {n} tiene que ver con {p}.
  Queremos {v} antes de {enero|marzo|junio|octubre}.
  El {percent} % del tiempo se va en {p}.
  Hace {small} años empezamos con {n}, pero {s}.
  Para {v} {hace falta|basta con} {n}.
follow.es
  ¿Y {n@c2}{ctx.es}?
  ¿Y si {s}?
  {vale|gracias|bien}, pero {s@c2}. {¿Qué cambia?|¿Entonces?}
  Ahora {hazlo más corto|ponlo en una tabla|escríbelo para {first@a2}} {y añade {p@c2}|sin hablar de {n@c}}.
  ¿Puedes darme {un ejemplo|más detalles} de {n@c2}?
  ¿Qué quieres decir con {n@c2}?
  también quiero {v@c2}
  {r:sigue|gracias|más corto|otro ejemplo|¿por qué?|no lo entiendo}
instr.es
  {Escribe|Redacta} {un párrafo|un artículo|una carta|un poema|un diálogo} sobre {tp}. {in.es}
  {Enumera|Da} {small} {ventajas|ejemplos|consejos|errores} {relacionados con|sobre} {tp}. {in.es}
  Explica {cómo {tv}|por qué {ts}|qué es {tn}} {a un niño|con un ejemplo|en dos frases|paso a paso}. {in.es}
  Compara {tn} y {tp}{ en una tabla| según su utilidad|}. {in.es}
  {Reescribe|Corrige|Traduce al inglés} la frase: "{cap.s}, {pero {ts}|así que {first} quiere {tv}|dice {first} desde {city}}".
  Crea {un plan|una lista|un lema|un cuestionario} para {tv}. {in.es}
  Dada la situación siguiente, propón una solución: {first} quiere {tv}, pero {ts}.
  Clasifica: {tn}, {tp}, {city}, {tn}. ¿Cuál no pertenece al grupo?
  {Resume|Analiza} la importancia de {tn} en {tt}. {in.es}
in.es
  {Máximo {int2}0 palabras|Escribe para {first}, de {city}|Da {small} ejemplos de {city}|Ten en cuenta {tp}|Divide la respuesta en {small} puntos y menciona
     {tp}}.
persona.es
  Soy de {city@a} y trabajo en {company@a}.
  Me llamo {first@a} y {vivo|trabajo|estudio} en {city@a}.
hello.de
  {hello.de1@a}
hello.de1
  *7 \e
  *2 {r:|||Hallo, |Hi, }
  *1 {r:||Guten Tag. ^|Moin, }
wish.de
  {wish.de1@a}
wish.de1
  *7 \e
  *2 {r:||| Danke!| danke schon mal}
  *1 {r:||| Bitte kurz.| Bitte mit Beispiel.}
again.de
  {r:nochmal: |Anders gefragt: |Entschuldigung, }{ask@p}
  {ask@p}{r: bitte| (eilt)|| danke| für {own.de}}
own.de
  {{project@a}|{company@a}|das Projekt {project@a}|unsere Firma {company@a}|{first@a} und mich|unsere WG in {city@a}}
ctx.de
  *5 \e
  *2  für {own.de}
  *1  in {city@a}
  *1  bis {Montag|Freitag|Ende {small} 20{int2}|morgen|Weihnachten}
  *1  mit höchstens {int3} Euro
  *1  ohne {p}
ask.de
  Wie kann ich {am besten|schnell|ohne Vorkenntnisse|sicher} {v@c}{ctx.de}?
  {s@c}. {Woran liegt das?|Was mache ich falsch?|Wie behebe ich das?|Ist das normal?}
  Was ist der Unterschied zwischen {p@c} und {p}{ctx.de}?
  Ich versuche seit {small} {Tagen|Wochen|Monaten}, Folgendes zu schaffen: {v@c}. {s}. {Ideen?|Was nun?|Hilfe}
  {Erkläre mir|Erklär mal} {n@c} {mit einem Beispiel|Schritt für Schritt|für Anfänger|in drei Sätzen}.
  {Gib mir|Ich brauche} {small} {Tipps|Ideen|Vorschläge} zum Thema {p@c}{ctx.de}.
  {Schreib|Formuliere} eine {Mail|Nachricht} an {first@a2}: {s@c}, wir wollen {v}.
  {own.de}: {s@c}. {Was rätst du?|Wie weiter?|Wer hilft da?}
  {Verbessere|Kürze|Korrigiere} diesen Text: {passage@c}
  Lohnt es sich, Geld für {n@c} auszugeben{ctx.de}?
  Was brauche ich, um Folgendes zu tun: {v@c}{ctx.de}?
  {Frage|Problem}: {n@c} und {p}. {s}
  Mach mir {einen Plan|eine Liste|eine Tabelle}: {v@c}{ctx.de}.
  {first@a} meint, {p@c} seien schuld. Tatsache ist: {s}. Stimmt das?
  Welche Rolle spielen {p@c}, wenn ich {v} will?
passage.de
  {pas.de} {pas.de} {pas.de}
  {pas.de} {pas.de}
pas.de
  In {city@a} gilt: {s}.
  {first@a} glaubt, dass {n} und {p} zusammenhängen.
  Wir wollen bis {Januar|März|Juni|Oktober} {v}.
  Rund {percent} % der Zeit gehen für {p} drauf.
  Seit {small} Jahren ist {n} ein Thema bei {company@a}.
  Das Problem bleibt: {s}.
follow.de
  Und was ist mit {p@c2}{ctx.de}?
  {ok,|danke,|gut,} aber {s@c2}. {Was ändert das?|Und jetzt?}
  Jetzt {kürzer|als Tabelle|für {first@a2}|förmlicher}, bitte {mit {p@c2}|ohne {p@c2}}.
  Hast du {ein Beispiel|mehr Details} für {n@c2}?
  Was meinst du mit {n@c2}?
  ich will auch noch {v@c2}
  {r:weiter|danke|kürzer|noch ein Beispiel|warum?|verstehe ich nicht}
instr.de
  {Schreibe|Verfasse} {einen Absatz|einen Artikel|einen Brief|ein Gedicht|einen Dialog} über {tp}. {in.de}
  Nenne {small} {Vorteile|Beispiele|Gründe|Tipps} zum Thema {tp}. {in.de}
  Erkläre {einem Kind|mit einem Beispiel|in zwei Sätzen|Schritt für Schritt}, was {tn} ist und welche Rolle {tp} spielen. {in.de}
  Vergleiche {tn} und {tp}{ in einer Tabelle| nach Nutzen|}. {in.de}
  {Formuliere den Satz um|Korrigiere den Satz|Übersetze den Satz ins Englische}: "{cap.s}, {aber {ts}|sagt {first} aus {city}|und {ts}}."
  Erstelle {einen Plan|eine Checkliste|einen Slogan|ein Quiz} zu folgendem Ziel: {tv}. {in.de}
  Gegeben ist eine Situation: {first} will {tv}, aber {ts}. Schlage eine Lösung vor.
  Was passt nicht in die Reihe: {tn}, {tp}, {city}, {tn}?
  Fasse die Bedeutung von {tp} im Bereich {tt} zusammen. {in.de}
in.de
  {Höchstens {int2}0 Wörter|Schreibe für {first} aus {city}|Nimm {small} Beispiele aus {city}|Berücksichtige {tp}|Gliedere in {small} Punkte und erwähne {tp}}.
persona.de
  Ich wohne in {city@a} und arbeite bei {company@a}.
  Ich heiße {first@a} und {wohne|arbeite|studiere} in {city@a}.
hello.fr
  {hello.fr1@a}
hello.fr1
  *7 \e
  *2 {r:|||Bonjour, |Salut, }
  *1 {r:||Bonsoir. ^|Coucou, }
wish.fr
  {wish.fr1@a}
wish.fr1
  *7 \e
  *2 {r:||| Merci.| merci d'avance}
  *1 {r:||| En bref.| Avec un exemple svp.}
again.fr
  {r:je répète : |pardon, |autrement dit : }{ask@p}
  {ask@p}{r: svp| (urgent)|| merci| pour {own.fr}}
own.fr
  {{project@a}|{company@a}|mon projet {project@a}|l'équipe chez {company@a}|{first@a} et moi|notre voisin {first@a}}
ctx.fr
  *5 \e
  *2  pour {own.fr}
  *1  à {city@a}
  *1  avant {lundi|vendredi|la fin du mois|demain|le {small} mai}
  *1  avec {int3} euros
  *1  sans {n}
ask.fr
  Comment {v@c}{ctx.fr} ?
  Quelle est la meilleure façon de {v@c}{ctx.fr} ?
  {s@c}. {D'où cela vient-il ?|Que faire ?|Est-ce normal ?|Comment réparer ça ?}
  Quelle différence entre {n@c} et {n}{ctx.fr} ?
  Depuis {small} {jours|semaines|mois} j'essaie de {v@c} mais {s}. {Des idées ?|Un conseil ?|aidez-moi}
  {Explique-moi|Expliquez} {n@c} {avec un exemple|étape par étape|simplement|en trois phrases}.
  {Donne-moi|Il me faut} {small} {idées|conseils|erreurs à éviter} sur {p@c}{ctx.fr}.
  {Écris|Rédige} un {mail|message} à {first@a2} : {s@c}, nous voulons {v}.
  {own.fr} : {s@c}. {Ton avis ?|Que dire ?|Par où commencer ?}
  {Corrige|Résume|Améliore} ce texte : {passage@c}
  Est-ce que ça vaut la peine de {v@c}{ctx.fr} ?
  {Fais|Prépare} {un plan|une liste|un tableau} pour {v@c}{ctx.fr}.
  {question|problème} : {n@c} et {p}, {s}
  {first@a} dit que {s} à cause de {first@a2}. Vrai ?
passage.fr
  {pas.fr} {pas.fr} {pas.fr}
  {pas.fr} {pas.fr}
pas.fr
  À {city@a}, {s}.
  {first@a} pense que {n} compte plus que {p}.
  Nous voulons {v} avant {janvier|mars|juin|octobre}.
  Environ {percent} % du temps passe dans {p}.
  Depuis {small} ans, {n} pose problème chez {company@a}.
  Pour {v}, il faut {n}.
follow.fr
  Et {n@c2}{ctx.fr} ?
  Et si {s} ?
  {ok|merci|bien}, mais {s@c2}. {Ça change quoi ?|Et alors ?}
  Maintenant {plus court|en tableau|pour {first@a2}|plus formel}, {avec|sans} {n@c2}.
  Tu as {un exemple|plus de détails} sur {n@c2} ?
  Que veux-tu dire par {n@c2} ?
  je veux aussi {v@c2}
  {r:continue|merci|plus court|un autre exemple|pourquoi ?|je ne comprends pas}
instr.fr
  {Écrivez|Rédigez} {un paragraphe|un article|une lettre|un poème|un dialogue} sur {tp}. {in.fr}
  {Citez|Donnez} {small} {avantages|exemples|raisons|conseils} sur {tp}. {in.fr}
  Expliquez {comment {tv}|pourquoi {ts}} {à un enfant|avec un exemple|en deux phrases|étape par étape}. {in.fr}
  Comparez {tn} et {tp}{ dans un tableau| selon leur utilité|}. {in.fr}
  {Reformulez|Corrigez|Traduisez en anglais} la phrase : « {cap.s}, {mais {ts}|alors {first} veut {tv}|dit {first} à {city}}. »
  Créez {un plan|une liste|un slogan|un quiz} pour {tv}. {in.fr}
  Voici une situation : {first} veut {tv}, mais {ts}. Proposez une solution.
  Trouvez l'intrus : {tn}, {tp}, {city}, {tn}.
  Résumez le rôle joué par {tn} dans le domaine : {tt}. {in.fr}
in.fr
  {{int2}0 mots au plus|Écrivez pour {first}, à {city}|Donnez {small} exemples pris à {city}|N'oubliez pas {tp}|Répondez en {small} points et mentionnez {tp}}.
persona.fr
  J'habite à {city@a} et je travaille chez {company@a}.
  Je m'appelle {first@a} et {je travaille|j'étudie|j'enseigne} à {city@a}.
"""
